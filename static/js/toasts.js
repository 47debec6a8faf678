// Messages stay until dismissed. One polite live region says everything, for the whole page.
const live = document.getElementById('live'), box = document.getElementById('toasts');

function say(words) {
  if (!live || !words) return;
  live.textContent = '';
  requestAnimationFrame(() => { live.textContent = words; });
}
const spoken = toast => toast.querySelector('[data-text]')?.textContent ?? '';

document.addEventListener('say', e => say(e.detail?.value ?? e.detail));

// The server can send HX-Trigger: {"toast": {"text": "…"}} with any htmx answer.
document.addEventListener('toast', e => {
  const toast = document.getElementById('text-toast').content.cloneNode(true);
  toast.querySelector('[data-text]').textContent = e.detail.text;
  box?.replaceChildren(toast);
});

if (box) {
  new MutationObserver(changes => {
    const added = changes.flatMap(c => [...c.addedNodes]).filter(n => n.matches?.('.toast:not([role="alert"])'));
    say(added.map(spoken).join('. '));
  }).observe(box, { childList: true });
  say([...box.querySelectorAll('.toast:not([role="alert"])')].map(spoken).join('. '));
}

document.addEventListener('click', e => {
  const toast = e.target.closest?.('[data-dismiss]')?.closest('.toast');
  if (!toast) return;
  const held = toast.contains(document.activeElement);
  toast.remove();
  if (held) (document.querySelector('[data-row].on .rowlink') ?? document.getElementById('main')).focus();
});
