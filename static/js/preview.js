// The pane beside the list shows the row one rests on, so that row and pane never speak of two patients.
// On narrow screens there is no pane and a row is a page of its own.
const wide = matchMedia('(width >= 64rem)');
const shown = () => document.getElementById('pane-of')?.value;
const row = el => el?.closest?.('[data-row]');
let resting;

document.addEventListener('click', e => {
  if (!wide.matches && e.target.closest?.('[data-preview-link]')) e.stopImmediatePropagation();
}, true);

function preview(link) {
  if (document.activeElement !== link || row(link)?.id === `r${shown()}`) return;
  window.htmx.ajax('GET', link.getAttribute('hx-get'), { source: link, target: '#peek', swap: 'innerHTML scroll:#peek:top' });
}
document.addEventListener('focusin', e => {
  clearTimeout(resting);
  const link = e.target.closest?.('[data-preview-link]');
  if (link && wide.matches) resting = setTimeout(preview, 350, link);
});

document.addEventListener('htmx:afterSettle', () => {
  const now = document.getElementById(`r${shown()}`);
  const cursor = row(document.activeElement);
  if (!now || now.classList.contains('on') || (cursor && cursor !== now)) return;
  document.querySelectorAll('[data-row].on').forEach(r => { r.classList.remove('on'); r.querySelector('.rowlink')?.removeAttribute('aria-current'); });
  now.classList.add('on');
  now.querySelector('.rowlink')?.setAttribute('aria-current', 'true');
});
