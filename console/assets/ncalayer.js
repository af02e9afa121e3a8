// A small client of NCALayer: one socket, one question, and every way in which it can fail told apart.
// Failures: absent (not running), blocked (by the browser's local network access), cancelled (by the person), error (with NCALayer's
// words), dropped (the socket broke after the question was asked).
export class NCALayerError extends Error {
  constructor(reason, detail = '') {
    super(detail || reason);
    this.reason = reason;
  }
}

const openTimeout = 10000; // ms until a program that does not answer counts as not running
const signTimeout = 600000; // ms: a person looks for a token and types a password

// A page from this machine needs no permission to talk to it; every other is asked for one, once (Local Network Access).
const local = ['localhost', '127.0.0.1', '[::1]'].includes(location.hostname);

async function permission() {
  try {
    return (await navigator.permissions.query({ name: 'loopback-network' })).state;
  } catch {
    return 'granted'; // the browser knows no such permission
  }
}

// blocked: forbidden, or the question was closed without an answer.
async function blocked() {
  const state = await permission();
  return state === 'denied' || (state === 'prompt' && !local);
}

// ask sends one message and answers the reply to it.
export function ask(address, message) {
  return new Promise((resolve, reject) => {
    let opened = false, settled = false, socket;
    const finish = (f, v) => {
      if (settled) return;
      settled = true;
      clearTimeout(timer);
      if (socket) socket.close();
      f(v);
    };
    const unreachable = async () => finish(reject, new NCALayerError((await blocked()) ? 'blocked' : 'absent'));
    const tooLong = async () => {
      if (await blocked() && (await permission()) === 'prompt') timer = setTimeout(unreachable, signTimeout); // the person still reads the browser's question
      else unreachable();
    };
    let timer = setTimeout(tooLong, openTimeout);
    try {
      socket = new WebSocket(address);
    } catch {
      unreachable();
      return;
    }
    socket.onopen = () => {
      opened = true;
      clearTimeout(timer);
      timer = setTimeout(() => finish(reject, new NCALayerError('dropped')), signTimeout);
    };
    socket.onclose = () => (opened ? finish(reject, new NCALayerError('dropped')) : unreachable());
    socket.onmessage = (event) => {
      let reply;
      try {
        reply = JSON.parse(event.data);
      } catch {
        finish(reject, new NCALayerError('error', 'unreadable answer'));
        return;
      }
      if (reply.result && reply.result.version) { // the greeting
        if (message) socket.send(JSON.stringify(message));
        else finish(resolve, reply.result.version);
        return;
      }
      if (reply.status === true && reply.body && Object.keys(reply.body).length === 0) finish(reject, new NCALayerError('cancelled'));
      else if (reply.status === true) finish(resolve, reply.body);
      else finish(reject, new NCALayerError('error', String(reply.message || reply.code || '')));
    };
  });
}

// sign has a CMS made over base64 content, with a key of the right purpose and of the right person or body only.
export async function sign(address, content, { purpose, iin, bin, detached }) {
  const signerParams = { extKeyUsageOids: [purpose === 'auth' ? '1.3.6.1.5.5.7.3.2' : '1.3.6.1.5.5.7.3.4'] };
  if (iin) signerParams.iin = iin;
  if (bin) signerParams.bin = bin;
  const body = await ask(address, {
    module: 'kz.gov.pki.knca.basics',
    method: 'sign',
    args: {
      format: 'cms',
      data: content,
      signingParams: { decode: true, encapsulate: !detached, digested: false, tsaProfile: null },
      signerParams,
      locale: document.documentElement.lang,
    },
  });
  const result = Array.isArray(body.result) ? body.result[0] : body.result;
  if (!result) throw new NCALayerError('cancelled');
  return result.replace(/-----[^-]+-----|\s/g, '');
}
