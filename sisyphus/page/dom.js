const byId = (id) => document.getElementById(id);
const SVG = 'http://www.w3.org/2000/svg';

/** An element with attributes and children; text children become text nodes, so nothing in them is ever markup. */
function make(tag, attributes = {}, ...children) {
  const [name, ...classes] = tag.split('.');
  const element = document.createElement(name || 'div');
  if (classes.length) element.className = classes.join(' ');
  for (const [key, value] of Object.entries(attributes)) {
    if (key === 'on') for (const [event, handler] of Object.entries(value)) element.addEventListener(event, handler);
    else if (value === true) element.setAttribute(key, '');
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(key, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

function icon(name) {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('class', 'icon');
  svg.setAttribute('aria-hidden', 'true');
  const use = document.createElementNS(SVG, 'use');
  use.setAttribute('href', `#i-${name}`);
  svg.append(use);
  return svg;
}

/** Sets a text or an attribute only where it changes: most of what is drawn in a frame is what already stands there. */
function put(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
function mark(element, name, value) {
  if (value === null || value === undefined || value === false) {
    if (element.hasAttribute(name)) element.removeAttribute(name);
  } else if (element.getAttribute(name) !== String(value)) element.setAttribute(name, value);
}

/** What JSON says, with each number as it is written there: JavaScript would round an id of 64 bits to another one. */
function parsed(text) {
  if (!/[:,[\s]-?\d{16}/.test(text) || !JSON.rawJSON) return JSON.parse(text); // browsers before 2025 round
  return JSON.parse(text, (key, value, { source }) => (
    typeof value === 'number' && !Number.isSafeInteger(value) && /^-?\d+$/.test(source) ? JSON.rawJSON(source) : value));
}

function duration(seconds) {
  if (seconds === null || seconds === undefined) return '';
  if (seconds < 0.0995) return `${(seconds * 1000).toFixed(seconds < 0.00995 ? 1 : 0)} ${t('unit.ms')}`;
  if (seconds < 0.9995) return `${(seconds * 1000).toFixed(0)} ${t('unit.ms')}`;
  if (seconds < 59.95) return `${seconds.toFixed(seconds < 9.995 ? 2 : 1)} ${t('unit.s')}`;
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)} ${t('unit.min')} ${String(whole % 60).padStart(2, '0')} ${t('unit.s')}`;
  return `${Math.floor(whole / 3600)} ${t('unit.h')} ${String(Math.floor((whole % 3600) / 60)).padStart(2, '0')} ${t('unit.min')}`;
}

const number = (value) => value.toLocaleString(language === 'zh' ? 'zh-CN' : 'en-GB');

/** The time of the day with milliseconds, in the watcher's own time zone. */
function clock(milliseconds) {
  const at = new Date(milliseconds);
  const two = (value) => String(value).padStart(2, '0');
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}.${String(at.getMilliseconds()).padStart(3, '0')}`;
}

function bytes(length) {
  if (length < 1000) return `${length} B`;
  return length < 1e6 ? `${(length / 1000).toFixed(1)} kB` : `${(length / 1e6).toFixed(1)} MB`;
}

/** One line of JSON, not longer than is readable. */
function brief(value, limit = 300) {
  const text = typeof value === 'string' ? JSON.stringify(value) : JSON.stringify(value) ?? '';
  return text.length > limit ? `${text.slice(0, limit)}…` : text;
}
