// What goes on behind a page is shown as it goes on: the region is read anew every two seconds until it says that it is done. Without this
// the page has a link for it.
const every = 2000; // ms

async function renew() {
  const region = document.querySelector('[data-live]');
  if (!region) return;
  try {
    const answer = await fetch(region.dataset.live, { headers: { Accept: 'text/html' } });
    const fresh = new DOMParser().parseFromString(await answer.text(), 'text/html').querySelector('.app-live');
    if (answer.ok && fresh) region.replaceWith(fresh);
  } catch { /* the next turn tries again */ }
  setTimeout(renew, every);
}
if (document.querySelector('[data-live]')) setTimeout(renew, every);
