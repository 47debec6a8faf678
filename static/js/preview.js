// The pane beside the list shows the row one clicks or rests on, so that row and pane never speak of two patients.
// On narrow screens there is no pane, and a row's link leads to a page of its own.
const wide = matchMedia('(width >= 64rem)');
const shown = () => document.getElementById('pane-of')?.value;
const row = el => el?.closest?.('[data-row]');
let resting;

function preview(link) {
  const here = new URL(location.href);
  here.searchParams.set('task', row(link).id.slice(1));
  const path = here.pathname + here.search;
  window.htmx.ajax('GET', path, { source: link, target: '#peek', swap: 'innerHTML scroll:#peek:top', replace: path });
}

document.addEventListener('click', e => {
  const link = e.target.closest?.('[data-preview-link]');
  if (!link || !wide.matches || e.ctrlKey || e.metaKey || e.shiftKey || e.altKey) return;
  e.preventDefault();
  clearTimeout(resting);
  if (row(link).id !== `r${shown()}`) preview(link);
});
document.addEventListener('focusin', e => {
  clearTimeout(resting);
  const link = e.target.closest?.('[data-preview-link]');
  if (!link || !wide.matches || row(link).id === `r${shown()}`) return;
  resting = setTimeout(() => { if (document.activeElement === link) preview(link); }, 350);
});

// The answer brings rows that changed; it asks whether the row of the pane is among those on the page.
document.addEventListener('htmx:configRequest', e => {
  if (shown() && !document.getElementById(`r${shown()}`)) e.detail.parameters.unlisted = shown();
});
document.addEventListener('htmx:afterSettle', () => {
  const now = document.getElementById(`r${shown()}`);
  const cursor = row(document.activeElement);
  if (!now || now.classList.contains('on') || (cursor && cursor !== now)) return;
  document.querySelectorAll('[data-row].on').forEach(r => { r.classList.remove('on'); r.querySelector('.rowlink')?.removeAttribute('aria-current'); });
  now.classList.add('on');
  now.querySelector('.rowlink')?.setAttribute('aria-current', 'true');
});
