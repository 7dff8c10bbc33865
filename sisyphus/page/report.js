/** Base64 of gzip of text, as reports hold it. */
async function unpack(packed) {
  const binary = atob(packed.trim());
  const data = new Uint8Array(binary.length);
  for (let at = 0; at < binary.length; at += 1) data[at] = binary.charCodeAt(at);
  const stream = new Blob([data]).stream().pipeThrough(new DecompressionStream('gzip'));
  return new Response(stream).text();
}

/** The run that stands in this very document; speaks as LiveSource does, without any network. */
class ReportSource {
  constructor(to) {
    this.to = to;
    this.blocks = [...document.querySelectorAll('script.run-details')].map((block) => (
      { first: Number(block.dataset.first), last: Number(block.dataset.last), block }));
    this.recent = new Map();
  }

  async open() {
    this.to.state('reading');
    const blocks = document.querySelectorAll('script.run-events');
    if (!blocks.length) this.to.notice('report.empty');
    if (typeof DecompressionStream === 'undefined') {
      this.to.notice('report.old');
      this.to.state('report');
      return;
    }
    for (const block of blocks) {
      try {
        for (const line of (await unpack(block.textContent)).split('\n')) if (line) this.to.event(line);
      } catch (problem) {
        this.to.notice('report.broken', { why: problem.message });
      }
      block.remove(); // it is read; what it takes is given back
    }
    this.to.state('report');
  }

  async details(seq) {
    let low = 0;
    let high = this.blocks.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.blocks[middle].first <= seq) low = middle; else high = middle - 1;
    }
    const found = this.blocks[low];
    if (!found || seq < found.first || seq > found.last) return null;
    let steps = this.recent.get(found);
    if (!steps) {
      steps = parsed(await unpack(found.block.textContent));
      this.recent.set(found, steps);
      if (this.recent.size > 4) this.recent.delete(this.recent.keys().next().value);
    }
    return steps[seq] ?? null;
  }
}
