// A form with files shows how far they have gone. Without this it is sent as forms are.
for (const form of document.querySelectorAll('form[data-upload]')) {
  form.addEventListener('submit', (event) => {
    const files = [...form.querySelectorAll('input[type=file]')].some((i) => i.files.length > 0);
    if (!files || event.defaultPrevented) return;
    event.preventDefault();
    const data = new FormData(form, event.submitter);
    const bar = form.querySelector('.app-upload');
    bar.hidden = false;
    const meter = bar.querySelector('progress'), words = bar.querySelector('[role=status]');
    const request = new XMLHttpRequest();
    request.open('POST', form.action);
    request.responseType = 'document';
    request.upload.onprogress = (e) => {
      if (!e.lengthComputable) return;
      meter.max = e.total;
      meter.value = e.loaded;
      words.textContent = form.dataset.upload.replace('{percent}', Math.floor((e.loaded * 100) / e.total));
    };
    request.onload = () => {
      if (request.status < 400) location.assign(request.responseURL);
      else show(request.response);
    };
    request.onerror = () => { words.textContent = form.dataset.uploadBroken; };
    request.send(data);
  });
}

// show puts a page that says what is wrong in the place of this one.
function show(page) {
  if (!page || !page.body) return;
  document.title = page.title;
  document.body.replaceWith(document.importNode(page.body, true));
  const summary = document.querySelector('.govuk-error-summary');
  if (summary) summary.focus();
}
