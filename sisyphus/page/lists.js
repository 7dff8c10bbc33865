/** A list of lines that are appended to, with a filter: what matches is kept beside, so that a new line costs nothing more. */
class Lines {
  constructor(page, element, height, { matches, create, fill, chosen }) {
    this.page = page;
    this.shown = [];
    this.matches = matches;
    this.empty = element.parentElement.querySelector('.empty');
    this.active = 0;
    this.window = new ListWindow(element, height, {
      count: () => this.shown.length,
      key: (at) => this.shown[at],
      create,
      fill: (line, at) => {
        line.entry = this.shown[at];
        mark(line, 'tabindex', at === this.active ? '0' : '-1');
        mark(line, 'aria-posinset', at + 1);
        mark(line, 'aria-setsize', this.shown.length);
        fill(line, this.shown[at]);
      },
      pinned: () => (this.active < this.shown.length ? this.active : -1),
    });
    this.window.onscroll = () => page.changed();
    element.addEventListener('click', (event) => {
      const line = event.target.closest('[role=listitem]');
      if (!line) return;
      this.active = line.place;
      chosen(line.entry);
      page.changed();
    });
    element.addEventListener('keydown', (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const moves = { ArrowDown: 1, ArrowUp: -1, PageDown: this.window.page, PageUp: -this.window.page, Home: -Infinity, End: Infinity, ...(page.shortcuts ? { j: 1, k: -1 } : {}) };
      if (event.key in moves) this.go(this.active + moves[event.key]);
      else if ((event.key === 'Enter' || event.key === ' ') && this.shown[this.active]) chosen(this.shown[this.active]);
      else return;
      event.preventDefault();
    });
  }

  go(at) {
    if (!this.shown.length) return;
    this.active = Math.min(this.shown.length - 1, Math.max(0, at));
    this.window.show(this.active);
    this.draw();
    this.window.drawn.get(this.shown[this.active])?.focus({ preventScroll: true });
  }

  add(line) {
    if (this.matches(line)) this.shown.push(line);
  }

  all(lines) {
    this.shown = [];
    for (const line of lines) this.add(line);
    this.active = 0;
  }

  draw() {
    const none = !this.shown.length;
    if (this.empty.hidden === none) this.empty.hidden = !none;
    this.window.draw();
  }
}

function problemList(page) {
  return new Lines(page, byId('problems'), 88, {
    matches: () => true,
    create: () => {
      const parts = [make('b'), make('span.tag'), make('span.message'), make('span.suggestion')];
      const line = make('div.card', { role: 'listitem' }, make('span.first', {}, icon('error'), parts[0], parts[1]), parts[2], parts[3]);
      line.parts = parts;
      return line;
    },
    fill: (line, problem) => {
      const name = problem.step_name ?? `${t('problem.case')} ${problem.home.name}`;
      put(line.parts[0], name);
      put(line.parts[1], t(`category.${problem.error_category}`));
      put(line.parts[2], problem.message);
      put(line.parts[3], problem.suggestion ?? '');
      mark(line, 'aria-label', `${name}: ${problem.message} ${problem.suggestion ?? ''}`);
    },
    chosen: (problem) => page.reveal(problem.row ?? problem.home),
  });
}

class Log {
  constructor(page) {
    this.page = page;
    this.level = 1;
    this.text = '';
    this.step = null;
    this.tail = true;
    this.lines = new Lines(page, byId('log'), 24, {
      matches: (line) => this.matches(line),
      create: () => {
        const parts = [make('time'), make('span.level'), make('span.message'), make('span.origin')];
        const line = make('div.line', { role: 'listitem' }, ...parts);
        line.parts = parts;
        return line;
      },
      fill: (line, entry) => this.fill(line, entry),
      chosen: (entry) => this.open(entry),
    });
    this.lines.window.onscroll = () => { this.tail = this.lines.window.atEnd; page.changed(); };
    const level = byId('log-level');
    level.addEventListener('change', () => { this.level = Number(level.value); this.refilter(); });
    byId('log-search').addEventListener('input', (event) => { this.text = event.target.value.trim().toLowerCase(); this.refilter(); });
    byId('log-step').addEventListener('change', () => this.choose(page.tree.chosen));
  }

  words() {
    byId('log-level').replaceChildren(...[0, 1, 2, 3].map((level) => make('option', { value: level, selected: level === this.level }, t(`log.level.${LEVELS[level]}`))));
    if (!byId('log-entry').hidden) this.open(this.entry);
  }

  matches(line) {
    if (line.level < this.level) return false;
    if (this.text && !line.message.toLowerCase().includes(this.text) && !(line.name ?? '').toLowerCase().includes(this.text)) return false;
    if (!this.step) return true;
    for (let one = line.row; one; one = one.parent) if (one === this.step) return true;
    return false;
  }

  choose(row) {
    const step = byId('log-step').checked ? row : null;
    if (step === this.step) return;
    this.step = step;
    this.refilter();
  }

  refilter() {
    this.lines.all(this.page.run.log);
    this.tail = true;
    this.page.changed();
  }

  fill(line, entry) {
    const level = LEVELS[entry.level];
    put(line.parts[0], clock(entry.at));
    put(line.parts[1], t(`level.${level}`));
    put(line.parts[2], entry.message);
    put(line.parts[3], entry.name ?? '');
    mark(line, 'data-level', level);
    mark(line, 'aria-label', `${t(`level.${level}`)}: ${entry.message}${entry.name ? `, ${entry.name}` : ''}`);
  }

  open(entry) {
    this.entry = entry;
    const context = entry.context && Object.keys(entry.context).length ? code(entry.context) : null;
    showEntry(byId('log-entry'), [
      make('p.dim', {}, `${clock(entry.at)} · ${t(`level.${LEVELS[entry.level]}`)}${entry.name ? ` · ${entry.name}` : ''}`),
      make('p.message', {}, entry.message), context,
      entry.row ? make('button.link', { type: 'button', on: { click: () => this.page.reveal(entry.row) } }, t('log.show')) : null,
    ]);
  }

  draw() {
    const { window: list, shown } = this.lines;
    this.lines.draw();
    if (this.tail && shown.length && !list.element.contains(document.activeElement)) {
      list.show(shown.length - 1, 'end');
      list.draw();
    }
  }
}

class Variables {
  constructor(page) {
    this.page = page;
    this.text = '';
    this.lines = new Lines(page, byId('variables'), 28, {
      matches: (one) => !this.text || one.name.toLowerCase().includes(this.text) || brief(one.value, 1000).toLowerCase().includes(this.text),
      create: () => {
        const parts = [make('b'), make('code'), make('span.origin')];
        const line = make('div.variable', { role: 'listitem' }, ...parts);
        line.parts = parts;
        return line;
      },
      fill: (line, one) => {
        const value = brief(one.value);
        const origin = page.run.rows.length > 1 ? one.home.name : one.row?.name ?? '';
        put(line.parts[0], one.name);
        put(line.parts[1], value);
        put(line.parts[2], origin);
        mark(line, 'aria-label', `${one.name} = ${value}, ${origin}`);
      },
      chosen: (one) => showEntry(byId('variable-entry'), [
        make('p.dim', {}, `${one.name} · ${one.source} · ${one.home.name}`), code(one.value),
        one.row ? make('button.link', { type: 'button', on: { click: () => page.reveal(one.row) } }, t('log.show')) : null,
      ]),
    });
    byId('variable-search').addEventListener('input', (event) => { this.text = event.target.value.trim().toLowerCase(); page.run.variablesChanged = true; page.changed(); });
  }

  draw() {
    const { run } = this.page;
    if (run.variablesChanged) {
      run.variablesChanged = false;
      const { active } = this.lines;
      this.lines.all(run.variables.values());
      this.lines.active = active;
    }
    this.lines.draw();
  }
}

/** The whole of a line that was chosen, below its list. */
function showEntry(element, content) {
  const close = make('button.tool.text.corner', { type: 'button', 'aria-label': t('close'), on: { click: () => { element.hidden = true; } } }, '×');
  element.replaceChildren(close, ...content.filter(Boolean));
  element.hidden = false;
}
