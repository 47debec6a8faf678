// Every request that changes the page in place: token, busy marks, one click once, a sentence when it fails.
const text = id => document.getElementById(id)?.innerHTML ?? '';
const token = () => document.querySelector('meta[name="csrf-token"]')?.content ?? '';

document.addEventListener('htmx:configRequest', e => {
  e.detail.headers['X-CSRFToken'] = token();
  // Polling must not keep a session alive.
  if (e.detail.elt.closest('[data-background]')) e.detail.headers['X-Background'] = '1';
});

function busy(button, on) {
  if (!button) return;
  if (on) {
    button.style.minInlineSize = `${button.offsetWidth}px`;
    button.dataset.idle = button.innerHTML;
    if (!button.matches('.icon')) button.innerHTML = text('text-busy');
    button.setAttribute('aria-disabled', 'true');
  } else if (button.dataset.idle !== undefined) {
    button.innerHTML = button.dataset.idle;
    delete button.dataset.idle;
    button.removeAttribute('aria-disabled');
  }
}
const sender = e => e.detail.requestConfig?.triggeringEvent?.submitter;

document.addEventListener('htmx:beforeRequest', e => {
  if (e.detail.elt.closest('[data-background]')) return;
  const button = sender(e);
  if (button?.dataset.idle !== undefined) return e.preventDefault();
  busy(button, true);
  e.detail.target?.setAttribute('aria-busy', 'true');
});
document.addEventListener('htmx:afterRequest', e => {
  if (e.detail.xhr?.getResponseHeader('HX-Redirect')) return; // busy until the other page is there
  busy(sender(e), false);
  e.detail.target?.removeAttribute('aria-busy');
});

// A part of a form that is fetched anew ([data-asks-again]): what was chosen in it meanwhile is not swapped away, the
// part is asked for once more with it.
const answers = part => JSON.stringify([...part.querySelectorAll('input, select, textarea')].map(f => f.matches('[type=radio], [type=checkbox]') ? f.checked : f.value));
document.addEventListener('htmx:beforeRequest', e => {
  if (e.detail.elt.matches('[data-asks-again]')) e.detail.target.dataset.asked = answers(e.detail.target);
});
document.addEventListener('htmx:beforeSwap', e => {
  const { requestConfig: { elt }, target } = e.detail;
  if (!elt.matches('[data-asks-again]') || target.dataset.asked === answers(target)) return;
  e.detail.shouldSwap = false;
  setTimeout(() => elt.click());
});

// Plain forms: the second click is ignored too.
document.addEventListener('submit', e => {
  const form = e.target;
  if (e.defaultPrevented || form.method !== 'post' || form.matches('[hx-post],[data-preferences]')) return;
  if (form.dataset.sent) return e.preventDefault();
  form.dataset.sent = '1';
  setTimeout(() => { delete form.dataset.sent; }, 5000);
});
addEventListener('pageshow', e => {
  document.querySelectorAll('form[data-sent]').forEach(f => { delete f.dataset.sent; });
  if (!e.persisted) return;
  document.querySelectorAll('[data-idle]').forEach(button => busy(button, false));
  document.querySelectorAll('[aria-busy]').forEach(target => target.removeAttribute('aria-busy'));
});

function failed(words) {
  const toast = document.getElementById('text-failed').content.cloneNode(true);
  if (words) toast.querySelector('[data-text]').textContent = words;
  document.getElementById('toasts').replaceChildren(toast);
}
document.addEventListener('htmx:responseError', e => {
  if (e.detail.elt.closest('[data-background]')) return;
  const part = new DOMParser().parseFromString(e.detail.xhr.responseText, 'text/html');
  failed(part.querySelector('[data-refusal]')?.textContent.trim());
});
for (const name of ['htmx:sendError', 'htmx:timeout']) document.addEventListener(name, e => {
  if (!e.detail.elt?.closest('[data-background]')) failed(document.getElementById('text-offline').innerHTML);
});
