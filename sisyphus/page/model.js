// How many log lines the page keeps; beyond, the oldest fifth goes.
const LOG_LINES = 100000;
const BAD = new Set(['failure', 'error', 'failed']);
const LEVELS = ['debug', 'info', 'warning', 'error', 'critical'];

/** One row of the tree: a case, a step, or a group of steps (a round, a setup, a teardown). */
class Row {
  constructor(kind, name, parent, home) {
    this.kind = kind;
    this.name = name;
    this.parent = parent;
    this.home = home ?? this; // the case
    this.depth = parent ? parent.depth + 1 : 0;
    this.position = 0;
    this.children = [];
    this.type = '';
    this.status = 'running';
    this.began = 0; // milliseconds of the engine's clock
    this.took = null; // seconds, once it has ended
    this.seq = 0; // of the event that ended it
    this.retries = 0;
    this.round = null;
    this.role = null;
    this.problems = null;
    this.steps = 0; // inside, to any depth
    this.failed = 0; // of these
    this.active = 0; // of these
    this.open = kind === 'case';
    this.hit = true;
    this.hits = 0; // inside, to any depth, while there is a filter
    this.phases = null;
  }
}

/** Everything that the events of one run have told so far. Taking an event costs the depth of its step, never more. */
class Run {
  constructor() {
    this.id = null;
    this.cases = new Map();
    this.rows = []; // the cases' rows
    this.seq = 0;
    this.events = 0;
    this.began = null;
    this.last = null;
    this.ended = false;
    this.counts = { running: 0, success: 0, failure: 0, error: 0, skipped: 0, cancelled: 0 };
    this.casesTotal = 0;
    this.casesDone = 0;
    this.problems = [];
    this.log = [];
    this.dropped = 0;
    this.variables = new Map();
    this.newest = null;
    this.skew = Infinity; // how far this machine's clock is ahead of the engine's
    this.onrow = () => {};
    this.onstatus = () => {};
    this.onlog = () => {};
    this.ondropped = () => {};
  }

  take(event) {
    if (event.seq <= this.seq) return; // told twice, around a reconnect
    this.seq = event.seq;
    this.events += 1;
    this.id ??= event.run_id;
    const at = Date.parse(event.timestamp);
    this.began ??= at;
    if (this.last === null || at > this.last) this.last = at;
    const handler = Run.handlers[event.type];
    if (handler) this[handler](event, event.data, at);
  }

  now() {
    return Math.max(this.last ?? 0, Date.now() - (Number.isFinite(this.skew) ? this.skew : 0));
  }

  case(id, at) {
    let found = this.cases.get(id);
    if (!found) { // also where its first events were lost
      found = new Row('case', id ?? '—', null);
      found.began = at;
      found.total = 0;
      found.tally = { passed: 0, failed: 0, skipped: 0 };
      found.progress = null;
      found.paths = new Map();
      found.running = new Map(); // by name: the steps that run, oldest first
      found.current = null; // the one that runs of its own steps
      found.errors = new Map(); // by name: what was told of steps that have not ended yet
      found.id = id;
      found.finished = false;
      this.cases.set(id, found);
      this.append(this.rows, found);
    }
    return found;
  }

  append(list, row) {
    row.position = list.length;
    list.push(row);
    this.onrow(row);
  }

  started(event, data, at) {
    const row = this.case(event.test_case_id, at);
    row.name = data.test_name;
    row.description = data.description;
    row.total = data.total_steps;
    row.began = at;
    this.onstatus(row);
  }

  finished(event, data, at) {
    const row = this.case(event.test_case_id, at);
    for (const steps of row.running.values()) for (const step of steps.slice()) this.end(step, 'cancelled', null, event.seq, at);
    row.status = data.status;
    row.took = data.duration;
    row.total = data.total_steps;
    row.tally = { passed: data.passed_steps, failed: data.failed_steps, skipped: data.skipped_steps };
    row.seq = event.seq;
    if (!row.finished) this.casesDone += 1;
    row.finished = true;
    this.onstatus(row);
  }

  stepStarted(event, data, at) {
    const home = this.case(event.test_case_id, at);
    const path = data.path ?? String(data.step_index);
    const row = new Row('step', data.step_name, this.around(home, data, at), home);
    row.type = data.step_type;
    row.path = path;
    row.began = at;
    row.round = data.iteration ?? null;
    row.role = data.role ?? null;
    row.own = data.parent === undefined || data.parent === null;
    row.alone = data.total_steps === 1;
    if (row.own) home.current = row;
    home.paths.set(path, row);
    const same = home.running.get(row.name);
    if (same) same.push(row); else home.running.set(row.name, [row]);
    this.counts.running += 1;
    for (let one = row.parent; one; one = one.parent) { one.steps += 1; one.active += 1; }
    this.newest = row;
    this.append(row.parent.children, row);
  }

  /** The row that a step stands in: its case, the step around it, or a group in one of these. */
  around(home, data, at) {
    const { parent, iteration, role } = data;
    if (parent === undefined || parent === null) return home;
    if (parent === 'setup' || parent === 'teardown') return this.group(home, `@${parent}`, home, at, parent, null);
    const outer = home.paths.get(parent) ?? home; // its start may have been lost
    if (iteration === undefined || iteration === null || role || data.total_steps < 2) return outer;
    return this.group(home, `${parent}@${iteration}`, outer, at, 'round', iteration);
  }

  group(home, key, outer, at, name, round) {
    let found = home.paths.get(key);
    if (!found) {
      found = new Row('group', name, outer, home);
      found.round = round;
      found.role = round === null ? name : null;
      found.began = at;
      found.path = key;
      found.finish = at;
      home.paths.set(key, found);
      this.append(outer.children, found);
    }
    return found;
  }

  stepFinished(event, data, at) {
    const home = this.case(event.test_case_id, at);
    // Of a case's own steps, one runs at a time; the event does not say which.
    const row = data.path === undefined || data.path === null ? home.current : home.paths.get(data.path);
    if (!row) return this.lost(home, event, data, at);
    if (data.has_error) {
      const told = home.errors.get(row.name);
      if (told?.length) {
        const problem = told.shift();
        problem.row = row;
        row.problems = [problem];
      }
    }
    row.retries = data.retry_count;
    this.end(row, data.status, data.duration, event.seq, at);
  }

  /** A step whose start this page never saw. */
  lost(home, event, data, at) {
    this.stepStarted(event, { ...data, step_type: '', step_index: home.children.length, total_steps: 0 }, at - data.duration * 1000);
    const row = this.newest;
    row.retries = data.retry_count;
    this.end(row, data.status, data.duration, event.seq, at);
  }

  end(row, status, took, seq, at) {
    const { home } = row;
    if (home.current === row) home.current = null;
    const same = home.running.get(row.name);
    const place = same ? same.indexOf(row) : -1;
    if (place >= 0) { if (same.length === 1) home.running.delete(row.name); else same.splice(place, 1); }
    this.counts[row.status] -= 1;
    this.counts[status] += 1;
    row.status = status;
    row.took = took ?? (at - row.began) / 1000;
    row.seq = seq;
    const bad = BAD.has(status);
    for (let one = row.parent; one; one = one.parent) {
      one.active -= 1;
      if (bad) one.failed += 1;
      if (one.kind === 'group') this.settle(one, at);
    }
    if (row.own) home.tally[bad ? 'failed' : status === 'success' ? 'passed' : 'skipped'] += 1;
    this.onstatus(row);
  }

  settle(group, at) {
    const before = group.status;
    group.finish = at;
    group.took = (at - group.began) / 1000;
    group.status = group.active ? 'running' : group.failed ? 'failure' : 'success';
    if (group.status !== before) this.onstatus(group);
  }

  progressed(event, data, at) {
    const row = this.case(event.test_case_id, at);
    row.progress = { remaining: data.estimated_remaining, at };
    if (data.cases_total) this.casesTotal = data.cases_total;
  }

  logged(event, data, at) {
    const home = this.cases.get(event.test_case_id) ?? null;
    const line = {
      level: Math.max(0, LEVELS.indexOf(data.level)), at, message: data.message, context: data.context,
      row: this.speaker(home, event.step_name), seq: event.seq, name: event.step_name,
    };
    this.log.push(line);
    this.onlog(line);
    if (this.log.length > LOG_LINES) {
      this.dropped += LOG_LINES / 5;
      this.log.splice(0, LOG_LINES / 5);
      this.ondropped();
    }
  }

  speaker(home, name) {
    if (!home || name === null || name === undefined) return home;
    const steps = home.running.get(name);
    return steps ? steps[steps.length - 1] : home;
  }

  failed(event, data, at) {
    const home = this.case(event.test_case_id, at);
    const name = data.step_name ?? event.step_name;
    const problem = { ...data, at, seq: event.seq, home, row: this.speaker(home, name) };
    this.problems.push(problem);
    if (name === null || name === undefined) (home.problems ??= []).push(problem);
    else {
      const told = home.errors.get(name);
      if (told) told.push(problem); else home.errors.set(name, [problem]);
    }
  }

  variable(event, data, at) {
    const home = this.case(event.test_case_id, at);
    const key = `${event.test_case_id}\n${data.variable_name}`;
    const known = this.variables.get(key);
    const row = this.speaker(home, event.step_name);
    if (known) Object.assign(known, { value: data.variable_value, source: data.source, row, times: known.times + 1 });
    else this.variables.set(key, { name: data.variable_name, value: data.variable_value, source: data.source, home, row, times: 1 });
    this.variablesChanged = true;
  }

  /** Steps of cases, as the engine counts them: those inside others are not among them. */
  totals() {
    const sum = { total: 0, passed: 0, failed: 0, skipped: 0 };
    for (const row of this.rows) {
      sum.total += row.total;
      for (const key of ['passed', 'failed', 'skipped']) sum[key] += row.tally[key];
    }
    sum.done = sum.passed + sum.failed + sum.skipped;
    return sum;
  }

  /** How far the run is, from 0 to 1; cases that have not begun count as much as those that have. */
  portion() {
    const cases = Math.max(this.casesTotal, this.rows.length);
    if (!cases) return 0;
    let sum = 0;
    for (const row of this.rows) {
      const { passed, failed, skipped } = row.tally;
      sum += row.finished ? 1 : row.total ? Math.min(1, (passed + failed + skipped) / row.total) : 0;
    }
    return sum / cases;
  }

  /** Seconds that the run may still take, or null. */
  remaining() {
    if (this.ended || !this.rows.length) return null;
    const now = this.now();
    if (Math.max(this.casesTotal, this.rows.length) === 1) {
      const { progress } = this.rows[0];
      return progress?.remaining === null || progress?.remaining === undefined ? null : Math.max(0, progress.remaining - (now - progress.at) / 1000);
    }
    const portion = this.portion();
    return portion > 0.02 ? ((now - this.began) / 1000) * (1 - portion) / portion : null;
  }

  state() {
    if (!this.rows.length) return this.ended ? 'ended' : 'waiting';
    const seen = new Set(this.rows.map((row) => row.status));
    if (!this.ended) return 'running';
    for (const status of ['error', 'failed', 'cancelled', 'running']) if (seen.has(status)) return status === 'running' ? 'ended' : status;
    return 'passed';
  }
}

Run.handlers = {
  test_start: 'started', test_complete: 'finished', step_start: 'stepStarted', step_complete: 'stepFinished',
  progress: 'progressed', log: 'logged', error: 'failed', variable_update: 'variable',
};
