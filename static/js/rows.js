// Lists by keyboard: J/K or arrows move real focus between the rows' links, X selects, Space previews.
// Markup: [data-list] around rows with [data-row]; in each a .rowlink, maybe a .row-check and a [data-preview].
const list = () => document.querySelector('[data-list]');
const rows = () => [...(list()?.querySelectorAll('[data-row]') ?? [])].filter(r => r.checkVisibility());
const focused = () => document.activeElement?.closest?.('[data-list] [data-row]');
const current = () => focused() ?? list()?.querySelector('[data-row].on');
let anchor = null; // where a range of selected rows starts

function mark(row, focus = true) {
  list().querySelectorAll('[data-row].on').forEach(r => {
    r.classList.remove('on');
    r.querySelector('.rowlink')?.removeAttribute('aria-current');
  });
  row.classList.add('on');
  const link = row.querySelector('.rowlink');
  link?.setAttribute('aria-current', 'true');
  if (focus) link?.focus();
}
function step(by) {
  const all = rows(), at = all.indexOf(current());
  if (all.length) mark(all[Math.max(0, Math.min(all.length - 1, at < 0 ? 0 : at + by))]);
}
function select(row, range) {
  const check = row?.querySelector('.row-check');
  if (!check) return;
  const all = rows(), from = all.indexOf(anchor);
  if (range && from >= 0) {
    const to = all.indexOf(row);
    all.slice(Math.min(from, to), Math.max(from, to) + 1).forEach(r => { const c = r.querySelector('.row-check'); if (c) c.checked = true; });
  } else check.checked = !check.checked;
  anchor = row;
  check.dispatchEvent(new Event('change', { bubbles: true }));
}

// Undo leads back to the row it was about (#r...): the next key is for that one, not for the first.
// After `load`, because the browser takes the focus away when it goes to the place that an address names.
addEventListener('load', () => setTimeout(() => {
  const named = document.getElementById(location.hash.slice(1));
  if (named?.matches('[data-list] [data-row]')) mark(named);
}));

document.addEventListener('single-key', e => {
  if (!list()) return;
  const { key, event } = e.detail, act = { j: () => step(1), k: () => step(-1), x: () => select(current(), false), X: () => select(current(), true) }[key];
  if (act) { event.preventDefault(); act(); }
});
document.addEventListener('keydown', e => {
  if (!e.target.matches?.('.rowlink') || !focused() || e.ctrlKey || e.metaKey || e.altKey) return;
  if (e.key === 'ArrowDown' || e.key === 'ArrowUp') { e.preventDefault(); step(e.key === 'ArrowDown' ? 1 : -1); }
  if (e.key === ' ') { e.preventDefault(); mark(focused(), false); (focused().querySelector('[data-preview]') ?? e.target).click(); }
});
document.addEventListener('click', e => {
  const row = e.target.closest?.('[data-list] [data-row]');
  if (row && e.target.closest('.rowlink')) mark(row, false);
  if (row && e.shiftKey && e.target.matches('.row-check')) { e.target.checked = false; select(row, true); }
  else if (row && e.target.matches('.row-check')) anchor = row;
});
