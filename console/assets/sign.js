import { NCALayerError, ask, sign } from './ncalayer.js';

// A signing box: the button has the content signed, puts the signature into the form and sends it. Whatever goes wrong is said in
// words and nothing is lost.
for (const box of document.querySelectorAll('.app-sign')) {
  const status = box.querySelector('.app-sign__status');
  const button = box.querySelector('.app-sign__button');
  const form = box.closest('form');
  const say = (key, more = '') => { status.textContent = box.dataset['text' + key[0].toUpperCase() + key.slice(1)] + (more ? ' ' + more : ''); };
  box.hidden = false;
  button.addEventListener('click', async () => {
    if (form.reportValidity && !form.reportValidity()) return;
    button.disabled = true;
    say('waiting');
    try {
      const d = box.dataset;
      const signature = await sign(d.ncalayer, d.content, { purpose: d.purpose, iin: d.iin, bin: d.bin, detached: d.detached === 'yes' });
      form.querySelector('.app-sign__value').value = signature;
      say('sending');
      form.submit();
    } catch (e) {
      const known = e instanceof NCALayerError;
      say(known ? e.reason : 'error', known && e.reason === 'error' ? e.message : '');
      button.disabled = false;
      button.focus();
    }
  });
}

// The self-test: browser, program, trial signature.
const test = document.querySelector('.app-selftest');
if (test) {
  test.hidden = false;
  const mark = (name, good) => {
    const tag = test.querySelector(`[data-test="${name}"]`);
    tag.textContent = good ? '✓' : '✗';
    tag.className = 'govuk-tag govuk-tag--' + (good ? 'green' : 'red');
  };
  const text = test.querySelector('[data-test="text"]');
  const say = (reason, more = '') => { text.textContent = test.dataset['text' + reason[0].toUpperCase() + reason.slice(1)] + (more ? ' ' + more : ''); };
  const button = test.querySelector('button');
  const check = async () => {
    for (const tag of test.querySelectorAll('[data-test].govuk-tag')) {
      tag.textContent = '…';
      tag.className = 'govuk-tag govuk-tag--grey';
    }
    mark('browser', 'WebSocket' in window && window.isSecureContext);
    let step = 'running';
    try {
      await ask(test.dataset.ncalayer, null);
      mark(step, true);
      step = 'trial';
      say('waiting');
      await sign(test.dataset.ncalayer, btoa('rastau'), { purpose: 'sign' });
      mark(step, true);
      say('good');
    } catch (e) {
      mark(step, false);
      say(e.reason || 'error', e.reason === 'error' ? e.message : '');
    }
  };
  button.addEventListener('click', async () => {
    button.disabled = true;
    await check();
    button.disabled = false;
    button.focus();
  });
}
