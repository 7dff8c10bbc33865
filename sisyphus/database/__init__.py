"""The one place that speaks to databases; a driver is imported when it is first used."""
