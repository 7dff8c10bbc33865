const SHORTEST = 500;
const LONGEST = 10000; // milliseconds between two tries to connect

/** The token of the page's address, which is taken out of it: an address stands in histories and is passed on. */
function tokenOfAddress() {
  const address = new URL(location.href);
  // Not by searchParams, to which a plus is a space: the server takes a plus for a plus.
  let token = decoded(/[?&]token=([^&]*)/.exec(address.search)?.[1] ?? '');
  try {
    if (token) sessionStorage.setItem('sisyphus.token', token);
    else token = sessionStorage.getItem('sisyphus.token');
  } catch { /* then a reload asks for it */ }
  if (address.searchParams.has('token')) {
    address.searchParams.delete('token');
    history.replaceState(null, '', address);
  }
  return token;
}

function decoded(text) {
  try { return decodeURIComponent(text); } catch { return text; }
}

/** A token as a subprotocol can hold it (RFC 9110, 5.6.2: a `token`), which is less than may stand in a header. */
function asSubprotocol(token) {
  return `sisyphus.token.${encodeURIComponent(token).replace(/[()]/g, (one) => `%${one.charCodeAt(0).toString(16)}`)}`;
}

/** Follows a run over the WebSocket of the page's own server, and comes back where it was when the connection breaks. */
class LiveSource {
  /** @param to event(text), control(message), state(kind, seconds), refused(status, why) */
  constructor(to) {
    this.to = to;
    this.token = tokenOfAddress();
    this.after = 0;
    this.delay = SHORTEST;
    this.over = false;
    this.run = null;
  }

  open() {
    clearTimeout(this.timer);
    const address = new URL('/', location.href);
    address.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:';
    address.search = this.after ? `?after=${this.after}` : '?from=start';
    const protocols = ['sisyphus.v1'];
    if (this.token) protocols.push(asSubprotocol(this.token));
    let socket;
    try {
      socket = new WebSocket(address, protocols);
    } catch (problem) { // what is no address to this browser
      this.to.refused(0, problem.message);
      return;
    }
    if (this.socket) { // given up for this one: what it still says is not for us
      this.socket.onmessage = null;
      this.socket.close();
    }
    this.socket = socket;
    this.to.state(this.lost ? 'retrying' : 'connecting');
    let opened = false;
    socket.onopen = () => { opened = true; this.lost = false; this.to.state('live'); };
    socket.onmessage = (message) => this.receive(message.data);
    socket.onclose = (closed) => { if (this.socket === socket) this.closed(closed, opened); };
  }

  receive(text) {
    // Control messages are few and have no `seq`; events are read later, in their turn.
    if (text.startsWith('{"type":"hello"') || text.startsWith('{"type":"recovered"') || text.startsWith('{"type":"lag"')) {
      const message = JSON.parse(text);
      if (message.type === 'hello') this.greeted(message);
      this.to.control(message);
      return;
    }
    this.delay = SHORTEST;
    const seq = /"seq":(\d+)\}$/.exec(text.slice(-40));
    if (seq) this.after = Number(seq[1]);
    this.to.event(text);
  }

  greeted(message) {
    if (this.run !== null && this.run !== message.run_id) this.again = true;
    this.run = message.run_id;
    if (this.again) {
      this.again = false;
      this.to.anew();
      if (this.after) { // asked for the middle of a run that we know nothing of
        this.after = 0;
        this.open();
      }
    }
  }

  async closed(closed, opened) {
    if (closed.code === 1000) {
      this.over = true;
      this.to.state('finished');
      return;
    }
    this.lost = true;
    if (!opened && await this.refusal()) return;
    const wait = closed.code === 4408 ? 0 : this.delay * (0.75 + Math.random() / 2);
    this.delay = Math.min(LONGEST, this.delay * 2);
    this.at = performance.now() + wait;
    this.timer = setTimeout(() => this.open(), wait);
    this.to.state('lost');
  }

  /** Why there was no WebSocket; a browser does not say, so the server is asked. */
  async refusal() {
    let answer;
    try {
      answer = await fetch('/healthz', { headers: this.headers(), cache: 'no-store' });
    } catch { return false; } // nobody there: it is tried again
    if (answer.status === 401 || answer.status === 403) {
      this.to.refused(answer.status, (await answer.text()).trim());
      return true;
    }
    if (answer.ok && this.after) {
      const health = await answer.json();
      if (health.run_id !== this.run) { // what we have seen is another run's
        this.after = 0;
        this.run = null;
        this.again = true;
      }
    }
    return false;
  }

  use(token) {
    this.token = token;
    try { sessionStorage.setItem('sisyphus.token', token); } catch { /* for this visit */ }
    this.open();
  }

  now() {
    this.delay = SHORTEST;
    this.open();
  }

  headers() {
    return this.token ? { Authorization: `Bearer ${this.token}` } : {};
  }

  async details(seq) {
    const answer = await fetch(`/details?seq=${seq}`, { headers: this.headers(), cache: 'no-store' });
    if (!answer.ok) throw new Error((await answer.text()).trim() || String(answer.status));
    return parsed(await answer.text())[seq] ?? null;
  }
}
