// Warns two minutes before the server signs out for want of use. Background requests do not count as use.
const idle = Number(document.documentElement.dataset.idleSeconds);
const box = document.getElementById('session-end');
// The server notes use at most every 30 s, so it may count from up to 30 s earlier than this page does.
const length = (idle - 30) * 1000, warning = 120_000;
let used = Date.now();

if (idle && box) {
  const tabs = 'BroadcastChannel' in window ? new BroadcastChannel('session') : null;
  const alive = (tell = true) => { used = Date.now(); if (box.open) box.close(); if (tell) tabs?.postMessage('used'); };
  tabs?.addEventListener('message', () => alive(false));
  document.addEventListener('htmx:afterRequest', e => {
    if (!e.detail.elt?.closest?.('[data-background]') && e.detail.successful) alive();
  });
  document.addEventListener('used', () => alive());
  alive();

  box.querySelector('[data-stay]').addEventListener('click', async () => {
    const answer = await fetch(box.dataset.keep, { redirect: 'manual' }).catch(() => null);
    if (answer?.ok) alive(); else location.reload();
  });
  box.addEventListener('cancel', e => e.preventDefault());
  setInterval(() => {
    const left = used + length - Date.now();
    // Signed out by now: ask the server, so that nobody else reads what is left on the screen.
    if (left <= -35_000) return location.reload();
    if (left > warning) return;
    const seconds = Math.max(0, Math.floor(left / 1000));
    box.querySelector('[data-left]').textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
    if (!box.open) box.showModal();
  }, 1000);
}
