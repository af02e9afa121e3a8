// A file to be checked is hashed here first: a page that is registered need not be sent (SubtleCrypto; without it, or where anything
// fails, the form sends the file as it would without scripts).
const form = document.querySelector('.app-hash');
if (form && window.crypto && crypto.subtle) {
  const status = form.querySelector('[role="status"]');
  form.addEventListener('submit', async (event) => {
    const file = form.elements.file.files[0];
    if (!file || (form.elements.at && form.elements.at.value.trim())) return;
    event.preventDefault();
    status.textContent = form.dataset.hashing;
    try {
      const sum = new Uint8Array(await crypto.subtle.digest('SHA-256', await file.arrayBuffer()));
      const hex = Array.from(sum, (b) => b.toString(16).padStart(2, '0')).join('');
      const known = await fetch('/verify/known/' + hex);
      if (known.status === 204) {
        location.href = '/verify/file/' + hex;
        return;
      }
    } catch { /* sent below */ }
    status.textContent = form.dataset.sending;
    form.submit();
  });
}
