"""API tests written in YAML, run with structured concurrency and watched live over WebSocket."""
