const SHAPES = {
  waiting: '<circle cx="16" cy="16" r="12" fill="none" stroke="#7c8798" stroke-width="4"/><path d="M16 10v6l4 3" fill="none" stroke="#7c8798" stroke-width="3"/>',
  passed: '<circle cx="16" cy="16" r="15" fill="#1a7f4b"/><path d="M9 16.5l5 5 9-10" fill="none" stroke="#fff" stroke-width="4"/>',
  failed: '<rect width="32" height="32" rx="7" fill="#c62f3b"/><path d="M10 10l12 12M22 10L10 22" stroke="#fff" stroke-width="4"/>',
  error: '<path d="M16 1l15 29H1z" fill="#b3541e"/><path d="M16 12v9M16 24v3" stroke="#fff" stroke-width="4"/>',
  cancelled: '<rect x="2" y="2" width="28" height="28" rx="5" fill="#5c6675"/><path d="M9 23L23 9" stroke="#fff" stroke-width="4"/>',
  ended: '<rect x="2" y="2" width="28" height="28" rx="5" fill="#5c6675"/>',
};
const SIGNS = { waiting: '…', running: '▶', passed: '✓', failed: '✕', error: '!', cancelled: '■', ended: '■' };

/** The tab's icon: the shape of the state, or a ring that closes as the run goes on. */
function favicon(state, portion, failing) {
  let shape = SHAPES[state];
  if (state === 'running') {
    const colour = failing ? '#c62f3b' : '#3a63d8';
    shape = `<circle cx="16" cy="16" r="12" fill="none" stroke="${colour}" stroke-opacity=".25" stroke-width="6"/><circle cx="16" cy="16" r="12" fill="none" stroke="${colour}" stroke-width="6" stroke-dasharray="${(75.4 * portion).toFixed(1)} 80" transform="rotate(-90 16 16)"/>`;
  }
  return `data:image/svg+xml,${encodeURIComponent(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">${shape}</svg>`)}`;
}

/** The head of the page: state, progress, time; and the tab's title and icon. */
class Summary {
  constructor(page) {
    this.page = page;
    this.parts = Object.fromEntries(['success', 'failure', 'skipped'].map((name) => [name, document.querySelector(`#bar .${name}`)]));
  }

  draw() {
    const { run } = this.page;
    const state = run.state();
    const totals = run.totals();
    const portion = run.ended && run.rows.length ? 1 : run.portion();
    const failing = totals.failed > 0 || run.problems.length > 0;
    put(byId('state-word'), t(`state.${state}`));
    mark(byId('state-icon'), 'href', `#i-${{ passed: 'success', failed: 'failure', ended: 'cancelled' }[state] ?? state}`);
    mark(byId('state'), 'data-status', state);
    mark(document.documentElement, 'data-state', state);
    const title = run.rows.length === 1 && run.casesTotal <= 1 ? run.rows[0].name : run.rows.length ? t('cases', { n: number(Math.max(run.casesTotal, run.rows.length)) }) : 'Sisyphus';
    put(byId('title'), title);
    const percent = Math.floor(portion * 100);
    mark(byId('bar'), 'aria-valuenow', percent);
    const shares = { success: totals.passed, failure: totals.failed, skipped: totals.skipped };
    for (const [name, count] of Object.entries(shares)) {
      const width = `${totals.done ? (count / totals.done) * portion * 100 : 0}%`;
      if (this.parts[name].style.width !== width) this.parts[name].style.width = width;
    }
    this.figures(run, totals, percent);
    const sign = state === 'running' ? `${failing ? '✕ ' : ''}${percent} %` : `${SIGNS[state]} ${t(`state.${state}`)}`;
    const name = `${sign} · ${title}`;
    if (document.title !== name) document.title = name;
    const look = `${state} ${state === 'running' ? Math.floor(portion * 24) : ''} ${failing}`;
    if (look !== this.look) {
      this.look = look;
      byId('favicon').href = favicon(state, portion, failing);
    }
  }

  figures(run, totals, percent) {
    const cases = Math.max(run.casesTotal, run.rows.length);
    const remaining = run.remaining();
    const spent = run.began === null ? null : ((run.ended ? run.last : run.now()) - run.began) / 1000;
    const texts = [
      run.rows.length ? `${percent} %` : '',
      cases > 1 ? t('figures.cases', { done: number(run.casesDone), total: number(cases) }) : '',
      run.rows.length ? t('figures.steps', { done: number(totals.done), total: number(totals.total) }) : '',
      spent === null ? '' : duration(spent),
      remaining === null || percent >= 100 ? '' : t('figures.remaining', { time: duration(remaining) }),
    ].filter(Boolean);
    const text = texts.join('\n');
    if (text === this.text) return;
    this.text = text;
    byId('figures').replaceChildren(...texts.map((one) => make('span', {}, one)));
  }
}

/** Says what happened to those who do not see it; seldom enough to be listened to. */
class Announcer {
  constructor(page) {
    this.page = page;
    this.told = 0;
    this.at = -Infinity;
    this.end = false;
  }

  draw() {
    const { run } = this.page;
    const now = performance.now();
    const fresh = run.problems.length - this.told;
    if (run.ended && run.rows.length && !this.end) {
      this.end = true;
      this.told = run.problems.length;
      this.say(t('announce.end', { state: t(`state.${run.state()}`) }));
    } else if (fresh > 0 && !this.end && now - this.at > 5000) {
      const last = run.problems[run.problems.length - 1];
      const name = last.step_name ?? last.home.name;
      this.told = run.problems.length;
      this.at = now;
      this.say(fresh === 1 ? t('announce.problem', { name, message: last.message }) : t('announce.problems', { n: fresh, name }));
    }
  }

  say(text) {
    byId('announce').textContent = text;
  }
}
