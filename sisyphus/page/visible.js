const FILTERS = {
  all: () => true,
  failed: (status) => BAD.has(status),
  running: (status) => status === 'running',
  passed: (status) => status === 'success' || status === 'passed',
  skipped: (status) => status === 'skipped' || status === 'cancelled',
};

/** Which rows of a run are shown, in order: what is unfolded, and matches the filter or has something inside that does. */
class Visible {
  constructor(run) {
    this.run = run;
    this.rows = [];
    this.index = new Map(); // of a row in `rows`
    this.status = 'all';
    this.text = '';
    this.stale = false;
  }

  get filtered() {
    return this.status !== 'all' || this.text !== '';
  }

  matches(row) {
    if (row.kind !== 'step' && !(row.kind === 'case' && this.text)) return false;
    return FILTERS[this.status](row.status) && (!this.text || row.name.toLowerCase().includes(this.text));
  }

  filter(status, text) {
    this.status = status;
    this.text = text.trim().toLowerCase();
    this.stale = true;
    if (!this.filtered) return;
    const count = (row) => {
      row.hit = this.matches(row);
      row.hits = 0;
      for (const child of row.children) row.hits += count(child);
      return row.hits + (row.hit ? 1 : 0);
    };
    for (const row of this.run.rows) count(row);
  }

  /** A new row. Most come last, and then there is nothing else to do than to append it. */
  added(row) {
    if (this.filtered) {
      row.hit = false;
      this.changed(row);
      return;
    }
    if (this.stale || !this.shown(row)) return;
    if (this.last(row)) {
      this.index.set(row, this.rows.length);
      this.rows.push(row);
    } else this.stale = true;
  }

  changed(row) {
    if (!this.filtered) return;
    const hit = this.matches(row);
    if (hit === row.hit) return;
    row.hit = hit;
    for (let one = row.parent; one; one = one.parent) one.hits += hit ? 1 : -1;
    this.stale = true;
  }

  shown(row) {
    for (let one = row.parent; one; one = one.parent) if (!one.open) return false;
    return true;
  }

  last(row) {
    for (let one = row; one.parent; one = one.parent) if (one.position !== one.parent.children.length - 1) return false;
    return row.home.position === this.run.rows.length - 1;
  }

  refresh() {
    if (!this.stale) return false;
    this.stale = false;
    this.rows = [];
    const { rows, filtered } = this;
    // While there is a filter, everything on the way to what matches is unfolded, unless it was folded since.
    const walk = (row) => {
      if (filtered && !row.hit && !row.hits) return;
      rows.push(row);
      if (row.open || (filtered && row.hits && !row.folded)) for (const child of row.children) walk(child);
    };
    for (const row of this.run.rows) walk(row);
    this.index = new Map();
    for (let at = 0; at < rows.length; at += 1) this.index.set(rows[at], at);
    return true;
  }

  unfolded(row) {
    return row.open || Boolean(this.filtered && row.hits && !row.folded);
  }

  fold(row, open) {
    row.open = open;
    row.folded = !open;
    this.stale = true;
  }

  /** Unfolds what is around a row. */
  reveal(row) {
    for (let one = row.parent; one; one = one.parent) if (!this.unfolded(one)) this.fold(one, true);
  }

  foldAll(open) {
    const walk = (row) => {
      if (row.children.length) { row.open = open; row.folded = !open; }
      row.children.forEach(walk);
    };
    this.run.rows.forEach(walk);
    this.stale = true;
  }
}

/** Steps that failed by themselves, in the order of the tree: not those around them. */
function causes(rows, limit = Infinity, found = []) {
  for (const row of rows) {
    if (found.length >= limit) break;
    if (BAD.has(row.status) && !row.failed && row.kind !== 'group') found.push(row);
    if (row.failed) causes(row.children, limit, found);
  }
  return found;
}

/** Position of a row among all rows of the run, as something that can be compared. */
function place(row) {
  const way = [];
  for (let one = row; one; one = one.parent) way.unshift(one.position);
  return way;
}

function before(one, other) {
  const left = place(one);
  const right = place(other);
  for (let at = 0; at < Math.min(left.length, right.length); at += 1) if (left[at] !== right[at]) return left[at] < right[at];
  return left.length < right.length;
}
