// After a swap focus goes to the error summary, else the new heading, else the next row; never to the body.
const first = '[data-focus-first]', heading = '[data-focus]';
let waiting = null; // where the person was: the row, and the rows around it

const focusable = el => { if (!el.matches('a[href],button,input,select,textarea,[tabindex]')) el.tabIndex = -1; el.focus(); };
const linkOf = row => row?.querySelector('.rowlink[id]')?.id;

document.addEventListener('htmx:beforeSwap', e => {
  if (e.detail.elt?.closest?.('[data-background]')) return;
  const row = document.activeElement?.closest?.('[data-row]') ?? e.detail.elt?.closest?.('[data-row]') ?? document.querySelector('[data-row].on');
  const rows = [...document.querySelectorAll('[data-row]')], at = rows.indexOf(row);
  // Try the same row first, then the ones after it, then the ones before it.
  waiting = at < 0 ? [] : [...rows.slice(at), ...rows.slice(0, at).reverse()].map(linkOf).filter(Boolean);
});

document.addEventListener('htmx:afterSettle', e => {
  const part = e.detail.elt;
  if (!part || part.closest('[data-background]')) return;
  const target = part.matches(first) ? part : part.querySelector(first) ?? (part.matches(heading) ? part : part.querySelector(heading));
  if (target) return focusable(target);
  goOn();
});

// Back to the row, or the next one, when focus has nowhere to be.
function goOn() {
  const lost = !document.activeElement || document.activeElement === document.body;
  if (!lost || !waiting) return;
  const id = waiting.find(name => document.getElementById(name));
  focusable((id && document.getElementById(id)) ?? document.querySelector('main h1') ?? document.getElementById('main'));
}
// A dialog gives focus back to what opened it; that row may be a new one, or gone.
document.addEventListener('close', () => setTimeout(goOn), true);

// A full page after a refused form: the summary is what has to be read first.
document.querySelector(`main ${first}`)?.focus();

// Links of the summary lead into the field, not only to it.
document.addEventListener('click', e => {
  const link = e.target.closest?.('.err-summary a[href^="#"]');
  const field = link && document.getElementById(link.hash.slice(1));
  if (field) { e.preventDefault(); field.focus(); field.scrollIntoView({ block: 'center' }); }
});
