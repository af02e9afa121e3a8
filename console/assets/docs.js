// The form on the page of a route: sends the call as a program would, without the session's cookie, and shows the answer as text.
const form = document.querySelector('.app-try');
const shown = 20000; // characters of an answer
if (form) {
  form.hidden = false;
  const out = form.querySelector('pre');
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    let path = form.dataset.path;
    const query = new URLSearchParams();
    const headers = { Accept: 'application/json' };
    for (const input of form.querySelectorAll('[data-in]')) {
      const { in: where, name } = input.dataset;
      const value = input.value.trim();
      if (where === 'path') path = path.replace(`{${name}}`, encodeURIComponent(value));
      else if (value && where === 'query') query.set(name, value);
      else if (value) headers[name] = value;
    }
    const token = form.querySelector('#t-token');
    if (token && token.value.trim()) headers.Authorization = 'Bearer ' + token.value.trim();
    const body = form.querySelector('#t-body');
    if (body) headers['Content-Type'] = 'application/json';
    out.hidden = false;
    out.textContent = '…';
    try {
      const answer = await fetch(path + ([...query].length ? '?' + query : ''), { method: form.dataset.method, headers, body: body ? body.value : undefined, credentials: 'omit' });
      const type = answer.headers.get('Content-Type') || '';
      let text = type.includes('json') || type.startsWith('text/') ? await answer.text() : `${(await answer.arrayBuffer()).byteLength} B, ${type}`;
      if (type.includes('json') && text) text = JSON.stringify(JSON.parse(text), null, 2);
      out.textContent = `${answer.status} ${answer.statusText}\n${text.length > shown ? text.slice(0, shown) + ' …' : text}`;
    } catch (problem) {
      out.textContent = form.dataset.none + ' ' + problem.message;
    }
  });
}
