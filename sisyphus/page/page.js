const BUDGET = 10; // milliseconds of a frame for taking events in; more when far behind
const BEHIND = 2000;

/** The page: takes what a source tells, keeps the run, draws it once a frame. */
class Page {
  constructor() {
    this.report = document.documentElement.dataset.mode === 'report';
    this.waiting = [];
    this.head = 0;
    this.unread = 0;
    this.following = !this.report;
    this.shortcuts = memory.get('shortcuts') !== 'off';
    this.connection = { kind: 'connecting' };
    this.begin();
    this.tree = new Tree(this);
    this.detail = new Detail(this);
    this.problems = problemList(this);
    this.log = new Log(this);
    this.variables = new Variables(this);
    this.summary = new Summary(this);
    this.announcer = new Announcer(this);
    this.source = this.report ? new ReportSource(this) : new LiveSource(this);
    this.controls();
    this.words();
    this.tab(matchMedia('(min-width: 900px)').matches ? 'detail' : 'steps');
    this.detail.show(null);
    this.source.open();
    setInterval(() => { if (!document.hidden && (!this.run.ended || this.connection.kind === 'lost')) this.changed(); }, 250);
    document.addEventListener('visibilitychange', () => { this.asked = false; this.changed(); });
  }

  begin() {
    this.run = new Run();
    this.visible = new Visible(this.run);
    this.run.onrow = (row) => this.visible.added(row);
    this.run.onstatus = (row) => this.visible.changed(row);
    this.run.onlog = (line) => this.log.lines.add(line);
    this.run.ondropped = () => {
      this.log.refilter();
      this.notice('log.dropped', { n: number(LOG_LINES) });
    };
  }

  // What sources tell

  event(text) {
    this.waiting.push(text);
    // The timers of a page that nobody sees may come once a minute, and what waits for them would grow without a bound.
    if (document.hidden && this.waiting.length - this.head > BEHIND) this.pump(); else this.changed();
  }

  control(message) {
    const { type, data } = message;
    if (type === 'hello' && !this.run.seq && data.first_seq > 1 && data.last_seq >= data.first_seq) this.notice('missing', { from: data.first_seq });
    if (type === 'recovered' && !data.recovered) this.notice('gap', { from: data.gap[0], to: data.gap[1] });
    if (type === 'hello') this.run.skew = Math.min(this.run.skew, Date.now() - Date.parse(message.timestamp));
  }

  anew() {
    this.waiting = [];
    this.head = 0;
    this.begin();
    this.tree.active = null;
    this.tree.chosen = null;
    this.visible.filter(this.status, this.text);
    this.detail.forget();
    this.problems.all([]);
    this.log.refilter();
    this.variables.lines.all([]);
    this.announcer = new Announcer(this);
    this.follow(true);
    this.notice('new.run');
  }

  state(kind) {
    this.connection = { kind };
    this.changed();
  }

  refused(status, why) {
    this.state('refused');
    const field = make('input', { type: 'password', autocomplete: 'off', 'aria-label': t('token') });
    const form = status === 401 ? make('form', { on: { submit: (event) => {
      event.preventDefault();
      notice.remove();
      this.source.use(field.value.trim());
    } } }, this.source.token ? make('b', {}, t('token.wrong')) : null, make('label', {}, t('token'), ' ', field), make('button.button', {}, t('token.send'))) : null;
    const notice = make('div.notice', { role: 'alert' }, form ?? make('p', {}, t('refused', { why })));
    byId('notices').replaceChildren(notice);
    field.focus();
  }

  notice(key, values) {
    const text = t(key, values);
    if ([...byId('notices').children].some((one) => one.firstChild.textContent === text)) return;
    const notice = make('div.notice', { role: 'status' }, make('p', {}, text),
      make('button.tool.text', { type: 'button', 'aria-label': t('dismiss'), on: { click: () => notice.remove() } }, '×'));
    byId('notices').append(notice);
  }

  // Frames

  changed() {
    if (this.asked) return;
    this.asked = true;
    // Hidden pages get no frames, but their title and icon are seen.
    if (document.hidden) setTimeout(() => this.pump(), 200); else requestAnimationFrame(() => this.pump());
  }

  pump() {
    this.asked = false;
    const behind = this.waiting.length - this.head;
    const until = performance.now() + (document.hidden || behind > BEHIND ? 5 * BUDGET : BUDGET);
    while (this.head < this.waiting.length && performance.now() < until) {
      const end = Math.min(this.waiting.length, this.head + 50);
      for (; this.head < end; this.head += 1) this.take(this.waiting[this.head]);
    }
    if (this.head === this.waiting.length) { this.waiting = []; this.head = 0; } else if (this.head > 20000) {
      this.waiting = this.waiting.slice(this.head);
      this.head = 0;
    }
    this.run.ended = this.waiting.length === 0 && ['finished', 'report'].includes(this.connection.kind);
    this.draw();
    if (this.waiting.length) this.changed();
  }

  take(text) {
    let event;
    try {
      event = parsed(text);
    } catch {
      this.unread += 1;
      this.notice('unreadable', { n: this.unread });
      return;
    }
    const told = this.run.problems.length;
    this.run.take(event);
    for (let at = told; at < this.run.problems.length; at += 1) this.problems.add(this.run.problems[at]);
    if (!this.report && event.timestamp) this.run.skew = Math.min(this.run.skew, Date.now() - this.run.last);
  }

  draw() {
    if (this.run.ended && this.following) this.follow(false);
    if (byId('follow').hidden !== this.run.ended) byId('follow').hidden = this.run.ended;
    this.summary.draw();
    this.connected();
    this.chips();
    this.tree.draw();
    this.detail.update();
    this.problems.draw();
    this.log.draw();
    this.variables.draw();
    this.announcer.draw();
    put(byId('problem-count'), this.run.problems.length ? number(this.run.problems.length) : '');
    mark(document.documentElement, 'data-seq', this.run.seq);
    mark(document.documentElement, 'data-events', this.run.events);
  }

  connected() {
    const { kind } = this.connection;
    const behind = this.waiting.length - this.head;
    let word = '';
    if (kind === 'lost') word = t('connection.lost', { s: Math.max(0, Math.ceil((this.source.at - performance.now()) / 1000)) });
    else if (kind === 'retrying') word = t('connection.lost.now');
    else if (kind === 'refused') word = '';
    else word = kind === 'live' && behind > BEHIND ? t('connection.behind', { n: number(behind) }) : t(`connection.${kind}`);
    put(byId('connection-word'), word);
    mark(byId('connection'), 'data-kind', kind);
    const hidden = kind !== 'lost';
    if (byId('reconnect').hidden !== hidden) byId('reconnect').hidden = hidden;
  }

  // What the user does

  controls() {
    this.status = 'all';
    this.text = '';
    const on = (id, handler, event = 'click') => byId(id).addEventListener(event, handler);
    byId('filter').append(...Object.keys(FILTERS).map((name) => make('button.chip', { type: 'button', role: 'radio', 'data-filter': name }, make('span', { 'data-t': `filter.${name}` }), ' ', make('span.count'))));
    on('filter', (event) => { const chip = event.target.closest('.chip'); if (chip) this.filter(chip.dataset.filter, this.text); });
    on('filter', (event) => this.radio(event), 'keydown');
    on('search', (event) => this.filter(this.status, event.target.value), 'input');
    on('search', (event) => {
      if (event.key === 'Escape') { event.target.value = ''; this.filter(this.status, ''); this.tree.enter(); event.preventDefault(); }
      if ((event.key === 'Enter' || event.key === 'ArrowDown') && this.visible.rows.length) {
        this.visible.refresh();
        this.tree.go(this.visible.rows.find((row) => row.hit) ?? this.visible.rows[0]);
        event.preventDefault();
      }
    }, 'keydown');
    on('next-failure', () => this.failure(1));
    on('fold', () => { this.visible.foldAll(false); this.changed(); });
    on('unfold', () => { this.visible.foldAll(true); this.changed(); });
    on('follow', () => this.follow(!this.following));
    on('scale', () => { this.tree.perCase = !this.tree.perCase; mark(byId('scale'), 'aria-pressed', String(this.tree.perCase)); this.changed(); });
    on('reconnect', () => this.source.now());
    on('language', () => { language = language === 'zh' ? 'en' : 'zh'; memory.set('language', language); this.words(); });
    on('theme', () => this.theme({ auto: 'light', light: 'dark', dark: 'auto' }[this.appearance]));
    on('help-open', () => byId('help').showModal());
    on('shortcuts', (event) => { this.shortcuts = event.target.checked; memory.set('shortcuts', this.shortcuts ? 'on' : 'off'); }, 'change');
    byId('shortcuts').checked = this.shortcuts;
    on('tabs', (event) => { const tab = event.target.closest('[role=tab]'); if (tab) this.tab(tab.id.slice(4)); });
    on('tabs', (event) => this.tabKeys(event), 'keydown');
    document.querySelector('.skip').addEventListener('click', (event) => { event.preventDefault(); this.tree.enter(); });
    document.addEventListener('keydown', (event) => this.pressed(event));
    const wide = matchMedia('(min-width: 900px)');
    wide.addEventListener('change', () => { this.arrange(wide.matches); if (wide.matches && this.shown === 'steps') this.tab('detail'); });
    this.arrange(wide.matches);
    mark(byId('follow'), 'aria-pressed', String(this.following));
    this.splitter();
    this.appearance = memory.get('theme') ?? 'auto';
    this.theme(this.appearance);
  }

  words() {
    translate(document);
    put(byId('language'), t('language'));
    for (const name of ['aria-label', 'title']) mark(byId('language'), name, t('language.label'));
    this.theme(this.appearance);
    this.log.words();
    const keys = [['↑ ↓ / j k', 'key.move'], ['← → / h l', 'key.fold'], ['Enter', 'key.open'], ['Home End', 'key.ends'], ['*', 'key.siblings'],
      ['/', 'key.search'], ['n N', 'key.failure'], ['f', 'key.follow'], ['1 2 3 4', 'key.tabs'], ['?', 'key.help'], ['Esc', 'key.escape']];
    byId('help-keys').replaceChildren(...keys.map(([key, text]) => make('div', {}, make('dt', {}, ...key.split(' ').map((one) => (one === '/' && key.length > 1 ? ' ' : make('kbd', {}, one)))), make('dd', {}, t(text)))));
    if (this.detail.row || this.detail.element.childElementCount) this.detail.draw();
    this.tree.element.querySelectorAll('.span').forEach((bar) => { bar.drawn = ''; });
    this.changed();
  }

  theme(name) {
    this.appearance = ['light', 'dark'].includes(name) ? name : 'auto';
    memory.set('theme', this.appearance);
    mark(document.documentElement, 'data-theme', this.appearance === 'auto' ? null : this.appearance);
    for (const label of ['aria-label', 'title']) mark(byId('theme'), label, t('theme.label', { theme: t(`theme.${this.appearance}`) }));
  }

  chips() {
    const { counts } = this.run;
    const sums = {
      all: Object.values(counts).reduce((sum, one) => sum + one, 0), failed: counts.failure + counts.error, running: counts.running,
      passed: counts.success, skipped: counts.skipped + counts.cancelled,
    };
    for (const chip of byId('filter').children) {
      const name = chip.dataset.filter;
      put(chip.lastChild, number(sums[name]));
      mark(chip, 'aria-checked', String(name === this.status));
      mark(chip, 'tabindex', name === this.status ? '0' : '-1');
      mark(chip, 'data-some', sums[name] > 0);
    }
  }

  radio(event) {
    const move = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!move) return;
    const chips = [...byId('filter').children];
    const next = chips[(chips.indexOf(event.target) + move + chips.length) % chips.length];
    this.filter(next.dataset.filter, this.text);
    this.draw();
    next.focus();
    event.preventDefault();
  }

  /** The keyboard comes from the tabs to what they choose from: on a wide page, the steps are beside them and none of it. */
  arrange(wide) {
    byId(wide ? 'pane-detail' : 'pane-steps').before(byId('tabs'));
  }

  filter(status, text) {
    this.status = status;
    this.text = text;
    this.visible.filter(status, text);
    this.changed();
  }

  clearFilter() {
    byId('search').value = '';
    this.filter('all', '');
    this.visible.refresh();
  }

  follow(on) {
    if (this.following === on) return;
    this.following = on;
    mark(byId('follow'), 'aria-pressed', String(on));
    this.changed();
  }

  /** Shows a row's details; `move`: the keyboard goes there, too. */
  open(row, { move = false } = {}) {
    this.tree.chosen = row;
    this.log.choose(row);
    this.detail.show(row);
    if (!this.log.step || this.shown === 'steps') this.tab('detail');
    this.draw();
    if (move && !matchMedia('(min-width: 900px)').matches) byId('pane-detail').focus();
  }

  /** As `open`, but only if the keyboard stays there for a moment. */
  openSoon(row) {
    clearTimeout(this.soon);
    this.soon = setTimeout(() => { if (this.tree.active === row && this.shown !== 'steps') this.open(row); }, 150);
  }

  reveal(row) {
    this.tree.go(row, { where: 'center', focus: false });
    this.open(row);
    // What was pressed for this is gone: the keyboard would begin at the top of the page again.
    if (this.shown === 'detail') byId('pane-detail').focus({ preventScroll: true });
  }

  failure(step) {
    const found = causes(this.run.rows);
    if (!found.length) return;
    const here = this.tree.active;
    let next;
    if (!here) next = step > 0 ? found[0] : found[found.length - 1];
    else if (step > 0) next = found.find((row) => before(here, row)) ?? found[0];
    else next = found.findLast((row) => before(row, here)) ?? found[found.length - 1];
    this.tree.go(next, { where: 'center' });
    this.open(next);
  }

  tab(name) {
    if (name === this.shown) return;
    this.shown = name;
    byId('main').dataset.tab = name;
    for (const tab of byId('tabs').children) {
      const chosen = tab.id === `tab-${name}`;
      mark(tab, 'aria-selected', String(chosen));
      mark(tab, 'tabindex', chosen ? '0' : '-1');
    }
    this.changed();
  }

  tabKeys(event) {
    const move = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!move) return;
    const tabs = [...byId('tabs').children].filter((tab) => tab.offsetParent);
    const next = tabs[(tabs.indexOf(event.target) + move + tabs.length) % tabs.length];
    this.tab(next.id.slice(4));
    next.focus();
    event.preventDefault();
  }

  pressed(event) {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || byId('help').open) return;
    if (event.target.closest('input:not([type=checkbox]), select, textarea')) return;
    if (!this.shortcuts && event.key !== 'Escape') return;
    const tab = { 1: 'detail', 2: 'problems', 3: 'log', 4: 'variables' }[event.key];
    if (tab) { this.tab(tab); byId(`tab-${tab}`).focus(); }
    else if (event.key === '/') { if (!byId('search').offsetParent) this.tab('steps'); byId('search').focus(); byId('search').select(); }
    else if (event.key === '?') byId('help').showModal();
    else if (event.key === 'n') this.failure(1);
    else if (event.key === 'N') this.failure(-1);
    else if (event.key === 'f') this.follow(!this.following);
    else if ((event.key === 'j' || event.key === 'k') && !this.tree.element.contains(event.target)) this.tree.enter();
    else if (event.key === 'Escape' && !matchMedia('(min-width: 900px)').matches) { this.tab('steps'); this.tree.enter(); }
    else return;
    event.preventDefault();
  }

  splitter() {
    const bar = byId('splitter');
    let share = Number(memory.get('split')) || 56;
    const set = (value) => {
      share = Math.min(75, Math.max(25, value));
      byId('main').style.setProperty('--split', `${share}%`);
      mark(bar, 'aria-valuenow', Math.round(share));
      memory.set('split', Math.round(share));
    };
    set(share);
    bar.addEventListener('keydown', (event) => {
      const move = { ArrowLeft: -2, ArrowRight: 2 }[event.key];
      if (move) { set(share + move); event.preventDefault(); }
    });
    bar.addEventListener('pointerdown', (event) => {
      bar.setPointerCapture(event.pointerId);
      const move = (moved) => set((moved.clientX / innerWidth) * 100);
      bar.addEventListener('pointermove', move);
      bar.addEventListener('pointerup', () => bar.removeEventListener('pointermove', move), { once: true });
      event.preventDefault();
    });
  }
}

new Page();
