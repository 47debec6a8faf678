// Tells the server every 20 seconds that this record is open, and shows who else has it open (data-here).
const EVERY = 20_000;
const token = () => document.querySelector('meta[name="csrf-token"]').content;

function send(place, more = {}) {
  const body = new URLSearchParams({ version: place.dataset.version, ...more });
  if ('editing' in place.dataset) body.set('editing', '1');
  const headers = { 'X-CSRFToken': token(), 'X-Background': '1' };
  return fetch(place.dataset.here, { method: 'POST', headers, body, redirect: 'error', keepalive: 'gone' in more }).catch(() => null);
}
async function look(place) {
  if (document.hidden) return;
  const answer = await send(place);
  if (!answer?.ok) return;
  const html = (await answer.text()).trim();
  if (html === place.dataset.shown) return;
  place.dataset.shown = html;
  place.innerHTML = html;
}
const all = act => document.querySelectorAll('[data-here]').forEach(place => act(place));
all(look);
setInterval(() => all(look), EVERY);
document.addEventListener('visibilitychange', () => all(look));
addEventListener('pagehide', () => all(place => send(place, { gone: '1' })));
