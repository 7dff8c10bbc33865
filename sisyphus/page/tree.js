const ROW = 30;
const PHASES = ['dns', 'connect', 'tls', 'send', 'wait', 'receive'];

/** How a row is called. */
function called(row) {
  if (row.kind !== 'group') return row.name;
  return row.round === null ? t(row.role) : t('round', { n: row.round + 1 });
}

/** The tree of cases and steps, with a lane of time beside each. */
class Tree {
  constructor(page) {
    this.page = page;
    this.element = byId('tree');
    this.active = null; // the row that the keyboard is at
    this.chosen = null; // the row whose details are shown
    this.perCase = false;
    this.window = new ListWindow(this.element, ROW, {
      count: () => this.visible.rows.length,
      key: (at) => this.visible.rows[at],
      create: () => this.create(),
      fill: (element, at) => this.fill(element, this.visible.rows[at], at),
      pinned: () => (this.active ? this.visible.index.get(this.active) ?? -1 : 0),
    });
    this.window.onscroll = () => {
      if (this.window.moving) this.window.moving = false;
      else if (this.page.following && !this.window.atEnd) this.page.follow(false);
      this.page.changed();
    };
    this.element.addEventListener('click', (event) => this.clicked(event));
    this.element.addEventListener('keydown', (event) => this.pressed(event));
    this.element.addEventListener('focusin', (event) => {
      const row = event.target.closest('.row')?.row;
      if (row && row !== this.active) { this.active = row; this.page.changed(); }
    });
  }

  get visible() {
    return this.page.visible;
  }

  create() {
    const parts = {
      twist: make('span.twist', { 'aria-hidden': 'true' }, icon('chevron')),
      icon: icon('waiting'),
      badge: make('span.round'),
      name: make('span.name'),
      note: make('span.note'),
      type: make('span.c-type'),
      word: make('span.c-status'),
      time: make('span.c-time'),
      bar: make('span.span'),
    };
    const element = make('div.row', { role: 'treeitem', tabindex: '-1' },
      make('span.c-name', {}, parts.twist, parts.icon, parts.badge, parts.name, parts.note),
      parts.type, parts.word, parts.time, make('span.c-lane', { 'aria-hidden': 'true' }, parts.bar));
    element.parts = parts;
    parts.use = parts.icon.firstChild;
    return element;
  }

  fill(element, row, at) {
    const { parts } = element;
    const { visible } = this;
    const status = t(`state.${row.status}`);
    const inner = row.kind === 'step' && row.steps ? t('inner', { n: number(row.steps) }) : '';
    const notes = [
      row.role && row.kind === 'step' && row.parent.kind !== 'group' ? t(`role.${row.role}`) : '',
      row.retries ? t('retries', { n: row.retries }) : '',
      visible.unfolded(row) && row.kind === 'step' ? '' : inner,
      row.failed ? t('inner.failed', { n: number(row.failed) }) : '',
    ].filter(Boolean).join(' · ');
    const time = row.took === null ? (this.page.run.now() - row.began) / 1000 : row.took;
    const name = called(row);
    if (element.row !== row) {
      element.row = row;
      element.style.setProperty('--depth', row.depth);
      element.className = `row ${row.kind}`;
      mark(element, 'aria-level', row.depth + 1);
    }
    put(parts.name, name);
    put(parts.badge, row.kind === 'step' && row.round !== null && row.parent.kind !== 'group' ? `#${row.round + 1}` : '');
    put(parts.note, notes);
    put(parts.type, row.kind === 'step' ? row.type : '');
    put(parts.word, status);
    put(parts.time, duration(Math.max(0, time)));
    mark(parts.use, 'href', `#i-${row.status === 'passed' ? 'success' : row.status === 'failed' ? 'failure' : row.status}`);
    mark(element, 'data-status', row.status);
    mark(element, 'aria-expanded', row.children.length ? String(visible.unfolded(row)) : null);
    mark(element, 'aria-selected', String(row === this.chosen));
    mark(element, 'tabindex', row === this.active || (!this.active && at === 0) ? '0' : '-1');
    mark(element, 'aria-posinset', visible.filtered ? null : row.position + 1);
    mark(element, 'aria-setsize', visible.filtered ? null : row.parent ? row.parent.children.length : this.page.run.rows.length);
    const round = parts.badge.textContent ? `${t('round', { n: row.round + 1 })}, ` : '';
    mark(element, 'aria-label', `${status}: ${round}${name}${row.kind === 'step' && row.type ? `, ${row.type}` : ''}${row.took === null ? '' : `, ${duration(row.took)}`}${notes ? `, ${notes}` : ''}`);
    this.lane(parts.bar, row, time);
  }

  /** The bar of a row on its scale of time, in the colours of its phases once its details are known. */
  lane(bar, row, time) {
    const [from, to] = this.extent(row);
    const all = Math.max(to - from, 1);
    const left = Math.min(100, Math.max(0, ((row.began - from) / all) * 100));
    const width = Math.min(100 - left, Math.max(0, ((time * 1000) / all) * 100));
    const drawn = `${left.toFixed(2)} ${width.toFixed(2)} ${row.phases ? 1 : 0}`;
    if (bar.drawn === drawn && bar.row === row) return;
    bar.drawn = drawn;
    bar.row = row;
    bar.style.left = `min(${left.toFixed(2)}%, calc(100% - 3px))`;
    bar.style.width = `max(3px, ${width.toFixed(2)}%)`;
    bar.style.backgroundImage = row.phases ? striped(row.phases) : '';
    bar.classList.toggle('phased', Boolean(row.phases));
  }

  extent(row) {
    const { run } = this.page;
    if (this.perCase) {
      const { home } = row;
      return [home.began, home.took === null ? run.now() : home.began + home.took * 1000];
    }
    return [run.began ?? 0, run.ended ? run.last : run.now()];
  }

  ticks() {
    const { run } = this.page;
    const row = this.active ?? this.visible.rows[0];
    if (!row || run.began === null) return put(byId('ticks'), '');
    const [from, to] = this.extent(row);
    const text = `0|${duration((to - from) / 2000)}|${duration((to - from) / 1000)}`;
    const ticks = byId('ticks');
    if (ticks.drawn === text) return undefined;
    ticks.drawn = text;
    ticks.replaceChildren(...text.split('|').map((one) => make('span', {}, one)));
    return undefined;
  }

  draw() {
    if (this.visible.refresh() && this.active && !this.visible.index.has(this.active)) this.active = this.around(this.active);
    if (this.page.following && this.page.run.newest) {
      const at = this.visible.index.get(this.around(this.page.run.newest) ?? null);
      if (at !== undefined) this.window.show(at);
    }
    const focused = this.element.contains(document.activeElement);
    this.window.draw();
    if (focused && !this.element.contains(document.activeElement)) this.focus();
    this.ticks();
    const empty = byId('tree-empty');
    const none = this.visible.rows.length === 0;
    if (empty.hidden === none) empty.hidden = !none;
    if (none) this.nothing(empty);
  }

  nothing(empty) {
    const key = this.visible.filtered ? 'tree.nothing' : 'tree.none';
    if (empty.said === key + language) return;
    empty.said = key + language;
    empty.replaceChildren(t(key));
    if (this.visible.filtered) empty.append(' ', make('button.link', { type: 'button', on: { click: () => this.page.clearFilter() } }, t('tree.clear')));
  }

  /** Brings the keyboard to where it last was here, or to the first row. */
  enter() {
    this.visible.refresh();
    this.active ??= this.visible.rows[0] ?? null;
    this.page.draw();
    this.focus();
  }

  /** The row itself if it is shown, or the nearest around it that is. */
  around(row) {
    for (let one = row; one; one = one.parent) if (this.visible.index.has(one)) return one;
    return null;
  }

  focus() {
    const element = this.active && this.window.drawn.get(this.active);
    if (element) element.focus({ preventScroll: true });
  }

  /** Moves the keyboard to a row, unfolding what is around it. */
  go(row, { where = 'nearest', focus = true } = {}) {
    this.page.follow(false);
    this.visible.reveal(row);
    this.visible.refresh();
    if (!this.visible.index.has(row)) this.page.clearFilter();
    this.visible.refresh();
    this.active = row;
    this.window.show(this.visible.index.get(row) ?? 0, where);
    this.page.draw();
    if (focus) this.focus();
    if (this.chosen) this.page.openSoon(row);
  }

  clicked(event) {
    const row = event.target.closest('.row')?.row;
    if (!row) return;
    this.active = row;
    this.page.follow(false);
    if (event.target.closest('.twist') && row.children.length) this.toggle(row);
    else this.page.open(row);
    this.focus();
  }

  toggle(row, open = !this.visible.unfolded(row)) {
    this.visible.fold(row, open);
    this.page.draw();
  }

  pressed(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const { rows, index } = this.visible;
    const row = this.active ?? rows[0];
    if (!row) return;
    const at = index.get(row) ?? 0;
    const letters = this.page.shortcuts;
    const moves = {
      ArrowDown: 1, ArrowUp: -1, PageDown: this.window.page, PageUp: -this.window.page, Home: -Infinity, End: Infinity,
      ...(letters ? { j: 1, k: -1 } : {}),
    };
    if (event.key in moves) this.go(rows[Math.min(rows.length - 1, Math.max(0, at + moves[event.key]))]);
    else if (event.key === 'ArrowRight' || (letters && event.key === 'l')) {
      if (row.children.length && !this.visible.unfolded(row)) this.toggle(row, true);
      else if (row.children.length && rows[at + 1]?.parent === row) this.go(rows[at + 1]);
    } else if (event.key === 'ArrowLeft' || (letters && event.key === 'h')) {
      if (row.children.length && this.visible.unfolded(row)) this.toggle(row, false);
      else if (row.parent) this.go(row.parent);
    } else if (event.key === '*') {
      for (const one of row.parent ? row.parent.children : this.page.run.rows) if (one.children.length) this.visible.fold(one, true);
      this.page.draw();
    } else if (event.key === 'Enter' || event.key === ' ') this.page.open(row, { move: event.key === 'Enter' });
    else return;
    event.preventDefault();
  }
}

/** A background that shows how the phases share a duration. */
function striped(phases) {
  const measured = PHASES.filter((phase) => phases[phase]);
  const sum = measured.reduce((total, phase) => total + phases[phase], 0);
  const whole = Math.max(phases.total ?? 0, sum);
  if (!whole) return '';
  let at = ((whole - sum) / whole) * 100; // what nobody measured, before the connection was there
  const stops = [`var(--phase-other) 0 ${at.toFixed(2)}%`];
  for (const phase of measured) {
    const end = at + (phases[phase] / whole) * 100;
    stops.push(`var(--phase-${phase}) ${at.toFixed(2)}% ${end.toFixed(2)}%`);
    at = end;
  }
  return `linear-gradient(90deg, ${stops.join(', ')})`;
}
