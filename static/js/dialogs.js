// data-open="id" opens a dialog, data-close closes it, data-print prints. Parts swapped into #modal-in open it.
const top = el => el.closest?.('dialog[open]');

document.addEventListener('click', e => {
  const opener = e.target.closest?.('[data-open]'), closer = e.target.closest?.('[data-close]');
  if (opener) document.getElementById(opener.dataset.open)?.showModal();
  else if (closer && top(closer)) { e.preventDefault(); top(closer).close(); }
  else if (e.target.closest?.('[data-print]')) print();
  else if (e.target.matches?.('dialog[open]') && e.target.id !== 'session-end') e.target.close(); // the backdrop
});

// <a data-modal>: what the link asks is asked in the dialog; without script it is a page.
document.addEventListener('click', e => {
  const link = e.target.closest?.('a[data-modal]');
  if (!link || e.ctrlKey || e.metaKey || e.shiftKey || e.altKey) return;
  e.preventDefault();
  window.htmx.ajax('GET', link.getAttribute('href'), { source: link, target: '#modal-in', swap: 'innerHTML' });
});
document.addEventListener('htmx:afterSwap', e => {
  const dialog = e.detail.target?.closest?.('#modal');
  if (dialog && !dialog.open && dialog.textContent.trim()) dialog.showModal();
});
// What was asked is gone with the dialog, so that nothing later finds it there.
document.addEventListener('close', e => { if (e.target.id === 'modal') document.getElementById('modal-in').replaceChildren(); }, true);
// HX-Trigger: close-dialog, after what the dialog asked for is done.
document.addEventListener('close-dialog', () => document.getElementById('modal')?.close());

// Folding sections start closed on small screens.
const narrow = matchMedia('(width < 64rem)'), fold = () => document.querySelectorAll('[data-fold]').forEach(d => { d.open = !narrow.matches; });
if (narrow.matches) fold();
narrow.addEventListener('change', fold); // a tablet that is turned: wide, nothing shows how to unfold
