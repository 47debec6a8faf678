// The bar for selected rows: shows while something is selected, counts it, and says so once.
const checks = () => [...document.querySelectorAll('.row-check')];
const bar = () => document.querySelector('[data-bulk]');
const say = words => document.dispatchEvent(new CustomEvent('say', { detail: words }));

function count() {
  const box = bar();
  if (!box) return;
  const all = checks(), n = all.filter(c => c.checked).length, was = box.hasAttribute('data-on');
  box.toggleAttribute('data-on', n > 0);
  const every = box.querySelector('[name="every"]');
  if (every && !n) every.checked = false;
  const shown = box.querySelector('[data-n]');
  if (shown) shown.textContent = n;
  const head = document.querySelector('[data-check-all]');
  if (head) { head.checked = n > 0 && n === all.length; head.indeterminate = n > 0 && n < all.length; }
  if (n || was) say(`${shown?.parentElement.textContent.trim() ?? n}${n && !was ? `. ${box.getAttribute('aria-label')}` : ''}`);
}

document.addEventListener('change', e => {
  if (e.target.matches?.('[data-check-all]')) checks().forEach(c => { c.checked = e.target.checked; });
  if (e.target.matches?.('[data-check-all], .row-check')) count();
});
document.addEventListener('click', e => {
  if (!e.target.closest?.('[data-clear]')) return;
  checks().forEach(c => { c.checked = false; });
  count();
  (document.querySelector('[data-row].on .rowlink') ?? document.querySelector('[data-row] .rowlink') ?? document.getElementById('main')).focus();
});
document.addEventListener('htmx:afterSettle', () => { if (checks().some(c => c.checked) || bar()?.hasAttribute('data-on')) count(); });
if (checks().some(c => c.checked)) count(); // after Back
