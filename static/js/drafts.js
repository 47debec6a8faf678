// Long forms (data-draft) are kept on the server while one types, 1.5 s after the last key and on leaving a field.
const PAUSE = 1500, AGAIN = 5000, LEFT_OUT = new Set(['csrfmiddlewaretoken', 'draft', 'next', 'attempt_id', 'missed']);
const states = new WeakMap();
const text = id => document.getElementById(id).innerHTML;
// One draft per form and patient: what was typed about one never turns up at another.
const key = form => new URL(form.getAttribute('action') || location.pathname, location.href).pathname + (form.dataset.draft && `#${form.dataset.draft}`);
const url = () => document.documentElement.dataset.drafts;
const token = () => document.querySelector('meta[name="csrf-token"]').content;

function typed(form) {
  const found = {};
  for (const [name, value] of new FormData(form)) {
    if (typeof value === 'string' && !LEFT_OUT.has(name)) (found[name] ??= []).push(value);
  }
  return JSON.stringify(found);
}
function mark(form) { // tells the server that a draft goes when this form is accepted
  if (form.querySelector('input[name="draft"]')) return;
  const input = Object.assign(document.createElement('input'), { type: 'hidden', name: 'draft', value: key(form) });
  form.append(input);
}
function say(form, words) {
  let line = form.querySelector('[data-draft-state]');
  if (!line) {
    line = Object.assign(document.createElement('span'), { className: 'meta draft-state' });
    line.dataset.draftState = '';
    (form.querySelector('.form-actions') ?? form).append(line);
  }
  line.textContent = words;
}
async function save(form, last = false) {
  const state = states.get(form), fields = typed(form);
  clearTimeout(state.timer);
  if (state.sent || fields === state.kept) return;
  if (!last) say(form, text('text-draft-saving'));
  mark(form); // before it is kept: one may send the form meanwhile
  const body = new URLSearchParams({ form: key(form), patient: form.dataset.draft, fields });
  const answer = await fetch(url(), { method: 'POST', headers: { 'X-CSRFToken': token() }, body, redirect: 'error', keepalive: last }).catch(() => null);
  if (!answer?.ok) {
    say(form, text('text-draft-failed'));
    state.timer = setTimeout(() => save(form), AGAIN);
    return;
  }
  state.kept = fields;
  say(form, (await answer.json()).text);
  document.dispatchEvent(new CustomEvent('used'));
}
function restore(form, fields) {
  const seen = {};
  for (const control of form.elements) {
    const values = fields[control.name];
    if (!control.name || LEFT_OUT.has(control.name) || control.type === 'file') continue;
    if (control.matches('[type=checkbox],[type=radio]')) control.checked = Boolean(values?.includes(control.value));
    else if (control.matches('select[multiple]')) for (const o of control.options) o.selected = Boolean(values?.includes(o.value));
    else if (values) control.value = values[(seen[control.name] = (seen[control.name] ?? -1) + 1)] ?? control.value;
    else continue;
    control.dispatchEvent(new Event('change', { bubbles: true }));
  }
  mark(form);
}
function discard(form) {
  return fetch(url(), { method: 'POST', headers: { 'X-CSRFToken': token() }, body: new URLSearchParams({ form: key(form), discard: '1' }), redirect: 'error' }).catch(() => null);
}
async function offer(form) {
  const answer = await fetch(`${url()}?${new URLSearchParams({ form: key(form) })}`, { headers: { 'X-Background': '1' }, redirect: 'error' }).catch(() => null);
  if (answer?.status !== 200) return;
  const { fields, text: words } = await answer.json(), state = states.get(form);
  if (typed(form) !== state.kept) return; // typing has begun
  const bar = document.getElementById('text-draft').content.cloneNode(true).firstElementChild;
  bar.querySelector('[data-text]').textContent = words;
  bar.querySelector('[data-draft-continue]').addEventListener('click', () => { bar.remove(); restore(form, fields); form.querySelector('textarea,input:not([type=hidden])')?.focus(); });
  bar.querySelector('[data-draft-discard]').addEventListener('click', () => { bar.remove(); discard(form); });
  form.before(bar);
}
function begin(form) {
  if (states.has(form) || !url()) return;
  states.set(form, { kept: typed(form), timer: 0, sent: false });
  if ('draftTyped' in form.dataset) { mark(form); return; }
  offer(form);
}
const later = e => {
  const form = e.target.closest?.('form[data-draft]'), state = states.get(form);
  if (!state) return;
  state.sent = false;
  clearTimeout(state.timer);
  state.timer = setTimeout(() => save(form), e.type === 'focusout' ? 0 : PAUSE);
};
for (const name of ['input', 'change', 'focusout']) document.addEventListener(name, later);
document.addEventListener('submit', e => { const s = states.get(e.target); if (s) { s.sent = true; clearTimeout(s.timer); } });
document.addEventListener('visibilitychange', () => { if (document.hidden) document.querySelectorAll('form[data-draft]').forEach(form => states.has(form) && save(form, true)); });
document.addEventListener('htmx:load', e => e.detail.elt.parentElement?.querySelectorAll('form[data-draft]').forEach(begin));
document.querySelectorAll('form[data-draft]').forEach(begin);
