const LONG = 20000; // characters of a body that are shown at once
const KEPT = 200; // details
const SHOWN = 20; // failures
const PAUSE = 500; // milliseconds between two drawings of what changes all the time
// What an answer over HTTP has of its own; whatever else a step tells is its result.
const ANSWER = new Set(['status_code', 'reason', 'headers', 'cookies', 'body', 'text', 'url', 'elapsed', 'response_time', 'size', 'http_version',
  'history', 'timings', 'truncated', 'body_note', 'warnings', 'performance']);

/** What is known of one step: from the events at once, from its details when they have come. */
class Detail {
  constructor(page) {
    this.page = page;
    this.element = byId('detail');
    this.known = new Map();
    this.row = null;
  }

  forget() {
    this.known.clear();
    this.row = null;
    this.show(null);
  }

  /** Shows a row, and asks for its details if it has any. */
  show(row) {
    this.row = row;
    this.state = '';
    this.draw();
    if (row && row.kind === 'step' && row.seq && !this.known.has(row.seq)) this.fetch(row);
  }

  /** The step that is shown may have ended since. */
  update() {
    const { row } = this;
    if (this.drawn === (row ? stateOf(row) : this.startState())) return;
    if (row?.kind === 'step' && row.seq && !this.known.has(row.seq) && !this.state) this.show(row);
    else if (performance.now() - this.drawnAt > PAUSE && !this.held) this.draw();
    // Nothing else may happen any more that would bring another frame.
    else this.later ??= setTimeout(() => { this.later = null; this.page.changed(); }, PAUSE);
  }

  /** Whether the keyboard or a selection is in it, which would be lost. */
  get held() {
    const selection = getSelection();
    return this.element.contains(document.activeElement) || (!selection.isCollapsed && this.element.contains(selection.anchorNode));
  }

  async fetch(row) {
    this.state = 'loading';
    this.draw();
    let detail;
    let why;
    try {
      detail = await this.page.source.details(row.seq);
    } catch (problem) {
      why = problem;
    }
    if (detail !== undefined) {
      this.known.set(row.seq, detail);
      if (this.known.size > KEPT) this.known.delete(this.known.keys().next().value);
      const { timings, performance: load } = detail?.response ?? {};
      // Those of a load are of one answer among many.
      if (timings && typeof timings === 'object' && !load) row.phases = timings;
    }
    if (this.row !== row) return;
    this.state = '';
    // A TypeError is what fetch raises where nobody answers.
    if (detail === undefined) this.state = this.page.source.over && why instanceof TypeError ? 'over' : 'failed';
    this.why = why?.message ?? '';
    this.draw();
    this.page.changed();
  }

  draw() {
    const { row, element } = this;
    this.drawn = row ? stateOf(row) : '';
    this.drawnAt = performance.now();
    if (!row) {
      this.start();
      return;
    }
    const detail = this.known.get(row.seq) ?? null;
    element.replaceChildren(...[
      this.head(row, detail), ...this.problems(row), this.loading(row, detail), ...(detail ? this.parts(row, detail) : []),
      this.failures(row),
    ].filter(Boolean));
  }

  head(row, detail) {
    const facts = [
      ['detail.case', row.kind === 'case' ? null : row.home.name],
      ['detail.type', row.kind === 'step' ? row.type : null],
      ['detail.steps', row.kind === 'case' ? `${number(row.tally.passed + row.tally.failed + row.tally.skipped)} / ${number(row.total)}` : row.steps ? number(row.steps) : null],
      ['detail.started', clock(row.began)],
      ['detail.duration', row.took === null ? null : duration(row.took)],
      ['detail.retries', row.retries || null],
      ['detail.id', detail?.id],
      ['detail.where', detail?.where],
      ['detail.description', detail?.description ?? row.description],
      ['detail.reason', detail?.reason],
    ];
    const buttons = [];
    if (detail) buttons.push(copying('copy.json', () => JSON.stringify(detail, null, 2)));
    if (detail?.request?.url) buttons.push(copying('copy.curl', () => curl(detail.request)));
    return make('header.detail-head', {},
      make('h2', {}, make('span.status', { 'data-status': row.status }, icon(row.status === 'passed' ? 'success' : row.status === 'failed' ? 'failure' : row.status), t(`state.${row.status}`)),
        row.round === null ? '' : make('span.round', {}, `#${row.round + 1}`), make('span.what', {}, called(row))),
      make('dl.facts', {}, ...facts.filter(([, value]) => value !== null && value !== undefined && value !== '')
        .map(([key, value]) => make('div', {}, make('dt', {}, t(key)), make('dd', {}, String(value))))),
      buttons.length ? make('p.actions', {}, ...buttons) : null);
  }

  problems(row) {
    return (row.problems ?? []).map((problem) => make('section.problem', {},
      make('h3', {}, problem.error_type, ' ', make('span.tag', {}, t(`category.${problem.error_category}`))),
      make('p.message', {}, problem.message),
      problem.suggestion ? make('p.suggestion', {}, make('b', {}, `${t('detail.suggestion')}: `), problem.suggestion) : null));
  }

  loading(row, detail) {
    if (row.kind !== 'step' || detail) return null;
    let text = t('detail.running');
    if (this.state === 'loading') text = t('detail.loading');
    else if (this.state === 'over') text = t('detail.over');
    else if (this.state === 'failed') text = t('detail.failed', { why: this.why });
    else if (row.status === 'cancelled') text = t('detail.cancelled');
    else if (this.known.has(row.seq)) text = t('detail.gone');
    const again = this.state === 'failed' ? make('button.link', { type: 'button', on: { click: () => this.fetch(row) } }, t('detail.again')) : null;
    return make('p.note-line', { role: 'status' }, text, ' ', again);
  }

  parts(row, detail) {
    const { request, response } = detail;
    const isHttp = Boolean(request?.method || response?.status_code);
    const load = response?.performance;
    const [asked, answered] = load ? ['detail.request.one', 'detail.response.one'] : ['detail.request', 'detail.response'];
    const more = Object.entries(response ?? {}).filter(([key]) => !isHttp || !ANSWER.has(key));
    return [
      load ? performed(load) : timings(response?.timings), checks(detail.validations),
      isHttp ? message(asked, request, `${request?.method ?? ''} ${request?.url ?? ''}`)
        : request ? part('detail.request', code(request)) : null,
      isHttp && response ? message(answered, response, [response.http_version, response.status_code, response.reason, response.size === undefined ? '' : `· ${bytes(response.size)}`].filter(Boolean).join(' ')) : null,
      more.length ? part('detail.result', code(Object.fromEntries(more))) : null,
      response?.history?.length ? part('detail.history', code(response.history), false) : null,
      pairs('detail.extracted', detail.extracted), attempts(detail), warnings(detail.warnings),
    ].filter(Boolean);
  }

  /** Nothing is chosen yet: where to begin. */
  start() {
    this.drawn = this.startState();
    const found = causes(this.page.run.rows, SHOWN);
    this.element.replaceChildren(found.length ? make('div.start', {}, make('h2', {}, t('detail.start')), this.links(found))
      : make('div.blank', {}, icon('search'), make('p', {}, t('detail.none')), make('p.dim', {}, t('detail.hint'))));
  }

  startState() {
    return `start ${Math.min(SHOWN, this.page.run.problems.length)}`;
  }

  /** What failed inside, to go there. */
  failures(row) {
    return row.failed ? part('detail.failures', this.links(causes(row.children, SHOWN))) : null;
  }

  links(rows) {
    return make('ul.links', {}, ...rows.map((row) => make('li', { 'data-status': row.status }, icon(row.status === 'failed' ? 'failure' : row.status), make('div', {},
      make('button.link', { type: 'button', on: { click: () => this.page.reveal(row) } }, row.round === null ? '' : `#${row.round + 1} `, row.name),
      row.problems ? make('p.dim', {}, row.problems[0].message) : null))));
  }
}

/** What of a row is seen in its details, as a text that changes with it. */
function stateOf(row) {
  return `${row.status} ${row.seq} ${row.children.length} ${row.failed}`;
}

function part(key, content, open = true, more = '') {
  return make('details.part', { open }, make('summary', {}, make('h3', {}, t(key)), more ? make('span.dim', {}, more) : null), content);
}

function timings(phases) {
  if (!phases || typeof phases !== 'object') return null;
  const measured = PHASES.filter((phase) => typeof phases[phase] === 'number');
  if (!measured.length) return null;
  const whole = Math.max(phases.total ?? 0, measured.reduce((sum, phase) => sum + phases[phase], 0)) || 1;
  let at = whole - measured.reduce((sum, phase) => sum + phases[phase], 0);
  const lines = measured.map((phase) => {
    const bar = make('span.span');
    bar.style.left = `${(at / whole) * 100}%`;
    bar.style.width = `max(2px, ${(phases[phase] / whole) * 100}%)`;
    bar.style.background = `var(--phase-${phase})`;
    at += phases[phase];
    return make('tr', {}, make('th', { scope: 'row' }, t(`phase.${phase}`)), make('td.c-lane', { 'aria-hidden': 'true' }, bar), make('td.figure', {}, duration(phases[phase] / 1000)));
  });
  if (typeof phases.total === 'number') lines.push(make('tr.sum', {}, make('th', { scope: 'row' }, t('phase.total')), make('td'), make('td.figure', {}, duration(phases.total / 1000))));
  return part('detail.timings', make('table.timings', {}, make('tbody', {}, ...lines)));
}

/** The numbers of a load: what many answers have in common. */
function performed(numbers) {
  const times = ['min', 'mean', 'p50', 'p90', 'p95', 'p99', 'max'].filter((name) => typeof numbers[name] === 'number');
  const statuses = Object.entries(numbers.by_status ?? {});
  const facts = [
    ['load.count', number(numbers.count ?? 0)],
    ['load.failures', `${number(numbers.failures ?? 0)}${numbers.error_rate ? ` (${(numbers.error_rate * 100).toFixed(1)} %)` : ''}`],
    ['load.rate', numbers.requests_per_second],
    ['load.threads', numbers.threads],
    ['load.statuses', statuses.map(([status, count]) => `${status} × ${number(count)}`).join(', ')],
    ...times.map((name) => [`load.${name}`, duration(numbers[name] / 1000)]),
  ];
  const reasons = numbers.reasons?.length ? code(numbers.reasons) : null;
  return part('detail.load', make('div', {}, make('dl.facts', {}, ...facts.filter(([, value]) => value !== undefined && value !== null && value !== '')
    .map(([key, value]) => make('div', {}, make('dt', {}, t(key)), make('dd', {}, String(value))))), reasons));
}

function checks(list) {
  if (!list?.length) return null;
  const one = (check) => make('li', { 'data-status': check.status },
    make('p', {}, make('span.status', { 'data-status': check.status === 'passed' ? 'success' : check.status === 'failed' ? 'failure' : check.status },
      icon(check.status === 'passed' ? 'success' : check.status === 'failed' ? 'failure' : check.status === 'skipped' ? 'skipped' : 'error'),
      make('span.unseen', {}, t(`state.${check.status}`))),
    make('code', {}, [check.path, check.type, 'expect' in check ? brief(check.expect, 200) : ''].filter(Boolean).join(' ')),
    check.description ? make('span.dim', {}, ` ${check.description}`) : null),
    check.status === 'passed' ? null : make('p.message', {}, check.message ?? ''),
    // A message shortens long values; what it says in full is not said again.
    check.status === 'passed' || !('actual' in check) || (check.message ?? '').includes(brief(check.actual)) ? null : make('p.message', {},
      make('span.dim', {}, `${t('detail.actual')} `), make('code', {}, brief(check.actual, 4000))),
    check.checks?.length ? make('ul.checks', {}, ...check.checks.map(one)) : null);
  const passed = list.filter((check) => check.status === 'passed').length;
  return part('detail.validations', make('ul.checks', {}, ...list.map(one)), true, `${passed} / ${list.length}`);
}

function message(key, about, line) {
  if (!about) return null;
  const body = about.body ?? about.text;
  const headers = Object.entries(about.headers ?? {});
  return part(key, make('div', {},
    headers.length ? make('details.sub', {}, make('summary', {}, `${t('detail.headers')} (${headers.length})`), table(headers)) : null,
    body === null || body === undefined || body === '' ? make('p.dim', {}, t('detail.no.body')) : code(body),
    about.body_note ? make('p.dim', {}, String(about.body_note)) : null), true, line);
}

function table(entries) {
  return make('table.pairs', {}, make('tbody', {}, ...entries.map(([name, value]) => make('tr', {}, make('th', { scope: 'row' }, name), make('td', {}, make('code', {}, typeof value === 'string' ? value : brief(value, 2000)))))));
}

function pairs(key, values) {
  const entries = Object.entries(values ?? {});
  return entries.length ? part(key, table(entries.map(([name, value]) => [name, brief(value, 2000)]))) : null;
}

function attempts(detail) {
  if (!detail.attempts || detail.attempts.length < 2) return null;
  return part('detail.attempts', make('ol.attempts', {}, ...detail.attempts.map((one) => make('li', {},
    make('span.status', { 'data-status': one.status }, icon(one.status), t(`state.${one.status}`)), ' ', make('span.figure', {}, duration(one.duration)),
    one.reason ? make('p.message', {}, one.reason) : null, one.delay ? make('p.dim', {}, t('detail.rest', { time: duration(one.delay) })) : null))));
}

function warnings(list) {
  return list?.length ? part('detail.warnings', make('ul.plain', {}, ...list.map((one) => make('li', {}, one)))) : null;
}

/** A value as text, with the parts of JSON told apart; long ones are shown in part first. */
function code(value) {
  const text = typeof value === 'string' ? value : JSON.stringify(value, null, 2) ?? '';
  const pre = make('pre', { tabindex: '0' });
  const fill = (shown) => {
    if (typeof value === 'string') pre.textContent = shown;
    else pre.replaceChildren(...coloured(shown));
  };
  fill(text.slice(0, LONG));
  if (text.length <= LONG) return pre;
  const more = make('button.button', { type: 'button', on: { click: () => {
    pre.textContent = text; // without colours: a megabyte of them is slow
    more.remove();
  } } }, t('detail.more', { size: bytes(text.length) }));
  return make('div', {}, pre, more);
}

function coloured(text) {
  const parts = [];
  let at = 0;
  for (const found of text.matchAll(/"(?:[^"\\]|\\.)*"(\s*:)?|\b(?:true|false|null)\b|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g)) {
    if (found.index > at) parts.push(text.slice(at, found.index));
    const kind = found[1] ? 'key' : found[0].startsWith('"') ? 'string' : 'word';
    parts.push(make(`span.${kind}`, {}, found[0]));
    at = found.index + found[0].length;
  }
  parts.push(text.slice(at));
  return parts;
}

function copying(key, text) {
  const button = make('button.button', { type: 'button' }, t(key));
  button.addEventListener('click', async () => {
    button.textContent = t(await copy(text()) ? 'copy.done' : 'copy.failed');
    setTimeout(() => { button.textContent = t(key); }, 1500);
  });
  return button;
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch { // not allowed here, as in pages from disk
    const area = make('textarea.unseen', { readonly: true });
    area.value = text;
    document.body.append(area);
    area.select();
    const done = document.execCommand('copy');
    area.remove();
    return done;
  }
}

/** The request as a command line for a POSIX shell. */
function curl(request) {
  const quoted = (value) => `'${String(value).replaceAll("'", "'\\''")}'`;
  const headers = Object.entries(request.headers ?? {});
  const sent = curlBody(request.body, headers.find(([name]) => /^content-type$/i.test(name))?.[1]);
  const words = ['curl'];
  // By itself, curl makes a request with a body a POST; and of [] and {} in an address it makes many addresses.
  if (request.method === 'HEAD') words.push('--head');
  else if ((request.method && request.method !== 'GET') || sent.length) words.push('-X', quoted(request.method ?? 'GET'));
  if (/[[\]{}]/.test(request.url)) words.push('--globoff');
  words.push(quoted(request.url));
  for (const [name, value] of headers) {
    if (/^(host|content-length|connection|accept-encoding)$/i.test(name)) continue;
    if (/^content-type$/i.test(name) && sent.length && sent[0][0] !== '--data-raw') continue; // its boundary is another one's
    for (const one of Array.isArray(value) ? value : [value]) words.push('-H', quoted(one === '' ? `${name};` : `${name}: ${one}`));
  }
  for (const [option, value] of sent) words.push(option, quoted(value));
  return words.join(' ');
}

/** Options for a body. Of texts, none may be taken for the name of a file, as curl does behind an @. */
function curlBody(body, type) {
  if (body === null || body === undefined || body === '') return [];
  if (typeof body === 'string') return [['--data-raw', body]];
  const listed = (fields) => Object.entries(fields ?? {}).flatMap(([name, value]) => [value].flat().filter((one) => one !== null).map((one) => [name, typeof one === 'object' ? JSON.stringify(one) : String(one)]));
  if (Array.isArray(body.files)) {
    return [...listed(body.data).map(([name, value]) => ['--form-string', `${name}=${value}`]),
      ...body.files.map((file) => ['-F', `${file.field}=@"${file.filename}"`])];
  }
  if (String(type).includes('x-www-form-urlencoded')) return [['--data-raw', listed(body).map((pair) => pair.map(encodeURIComponent).join('=')).join('&')]];
  return [['--data-raw', JSON.stringify(body)]];
}
