/** Draws of a long list only what can be seen, and whatever has the keyboard's focus. */
class ListWindow {
  /** @param list count(), key(at), create(), fill(element, at), and pinned(): a place to draw wherever it is, or -1 */
  constructor(element, height, list) {
    this.element = element;
    this.scroller = element.parentElement;
    this.height = height;
    this.list = list;
    this.drawn = new Map();
    this.spare = [];
    this.seen = 0;
    this.top = 0;
    this.onscroll = () => {};
    this.scroller.addEventListener('scroll', () => { this.top = this.scroller.scrollTop; this.onscroll(); }, { passive: true });
    new ResizeObserver(() => { this.seen = this.scroller.clientHeight; this.onscroll(); }).observe(this.scroller);
  }

  draw() {
    const count = this.list.count();
    const tall = `${count * this.height}px`;
    if (this.tall !== tall) { this.element.style.height = tall; this.tall = tall; }
    if (!this.seen) return; // not shown
    const first = Math.max(0, Math.floor(this.top / this.height) - 6);
    const end = Math.min(count, Math.ceil((this.top + this.seen) / this.height) + 6);
    const wanted = [];
    for (let at = first; at < end; at += 1) wanted.push(at);
    const pinned = this.list.pinned ? this.list.pinned() : -1;
    if (pinned >= 0 && pinned < first) wanted.unshift(pinned);
    else if (pinned >= end && pinned < count) wanted.push(pinned);
    const keys = new Map(wanted.map((at) => [this.list.key(at), at]));
    for (const [key, element] of this.drawn) {
      if (!keys.has(key)) {
        this.drawn.delete(key);
        this.spare.push(element);
      }
    }
    for (const [key, at] of keys) {
      let element = this.drawn.get(key);
      if (!element) {
        element = this.spare.pop() ?? this.list.create();
        this.drawn.set(key, element);
        if (!element.isConnected) this.element.append(element);
      }
      if (element.place !== at) { element.place = at; element.style.transform = `translateY(${at * this.height}px)`; }
      this.list.fill(element, at);
    }
    for (const element of this.spare) element.remove();
    this.spare.length = Math.min(this.spare.length, 40);
  }

  show(at, where = 'nearest') {
    const top = at * this.height;
    const room = this.scroller.clientHeight;
    let to = this.scroller.scrollTop;
    if (where === 'end') to = top + this.height - room;
    else if (top < to) to = where === 'center' ? top - room / 2 : top;
    else if (top + this.height > to + room) to = where === 'center' ? top - room / 2 : top + this.height - room;
    to = Math.max(0, to);
    if (Math.abs(to - this.scroller.scrollTop) >= 1) {
      this.moving = true; // by us: this is not the user leaving the end
      this.scroller.scrollTop = to;
      this.top = this.scroller.scrollTop;
    }
  }

  get atEnd() {
    return this.scroller.scrollTop + this.scroller.clientHeight >= this.scroller.scrollHeight - this.height * 1.5;
  }

  get page() {
    return Math.max(1, Math.floor(this.scroller.clientHeight / this.height) - 1);
  }
}
