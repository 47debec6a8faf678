// Keys for controls that are on the page anyway: data-key="c" is fired by C, data-go="w" by G then W.
// Single keys never fire in a field, with a modifier, or in a dialog or menu; one switch turns them off.
const root = document.documentElement;
const typing = el => el.isContentEditable || (/^(INPUT|TEXTAREA|SELECT)$/.test(el.tagName) && !/^(checkbox|radio)$/.test(el.type));
const usable = el => !el.disabled && el.getAttribute('aria-disabled') !== 'true';
let go = 0;

// The selection comes first, then the row with focus, then whatever is in view (the preview, the page, the top bar).
function control(key) {
  const all = [...document.querySelectorAll(`[data-key="${CSS.escape(key)}"]`)].filter(usable);
  const row = document.activeElement?.closest?.('[data-row]') ?? document.querySelector('[data-list] [data-row].on');
  const seen = all.filter(el => el.checkVisibility({ visibilityProperty: true }));
  return seen.find(el => el.closest('[data-bulk][data-on]')) ?? all.find(el => row?.contains(el)) ?? seen.findLast(el => el.closest('.toast')) ?? seen.find(el => !el.closest('[data-bulk]'));
}
function fire(el) {
  if (el.matches('input, textarea, select')) return el.focus();
  if (el.matches('a, button')) el.focus({ preventScroll: true });
  el.click();
}
function back() {
  const link = document.querySelector('[data-list] [data-row].on .rowlink');
  if (link && document.activeElement?.closest('.pane')) link.focus();
}

document.addEventListener('keydown', e => {
  const el = e.target;
  if ((e.ctrlKey || e.metaKey) && e.key === 'Enter' && el.form) {
    e.preventDefault();
    return el.form.requestSubmit(el.form.querySelector('.btn.primary:is([type="submit"], :not([type]))') ?? undefined);
  }
  if (e.key === 'Escape' && !el.closest?.('dialog, [popover]')) return back();
  if (e.ctrlKey || e.metaKey || e.altKey || e.isComposing || root.dataset.keys === 'off') return;
  if (!el.closest || el.closest('dialog, [popover]') || typing(el) || document.querySelector('dialog[open]')) return;
  if (Date.now() - go < 1500) {
    go = 0;
    const place = document.querySelector(`[data-go="${CSS.escape(e.key.toLowerCase())}"]`);
    if (place) { e.preventDefault(); return place.click(); }
  }
  if (e.key === 'g') { go = Date.now(); return; }
  if (e.key === '?') return document.getElementById('keys')?.showModal();
  const hit = e.key === '/' ? document.querySelector('[data-list-filter]') ?? document.querySelector('.find [name="q"]') : e.key.length === 1 && control(e.key);
  if (hit) { e.preventDefault(); return fire(hit); }
  document.dispatchEvent(new CustomEvent('single-key', { detail: { key: e.key, event: e } }));
});
