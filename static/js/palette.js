// Ctrl K: a combobox in a dialog. Focus stays in the input; patients come from the server after two letters.
const box = document.getElementById('palette');
const input = box?.querySelector('input'), found = box?.querySelector('[data-found]');
const none = box?.querySelector('[data-none]'), status = box?.querySelector('[data-status]');
const options = () => [...box.querySelectorAll('[role="option"]')].filter(o => !o.hidden);
const failed = box?.querySelector('[data-failed]');
const plain = text => text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();
let timer, request, waiting = false; // waiting: what is listed does not answer what is typed yet

function pick(n) {
  const all = options(), chosen = all[(n + all.length) % all.length];
  box.querySelectorAll('[role="option"]').forEach((o, i) => { o.id ||= `option-${i}`; o.setAttribute('aria-selected', String(o === chosen)); });
  if (!chosen) return input.removeAttribute('aria-activedescendant');
  input.setAttribute('aria-activedescendant', chosen.id);
  chosen.scrollIntoView({ block: 'nearest' });
}
// The first thing to go to; what makes something new is never chosen by itself.
function start() {
  const at = options().findIndex(o => o.matches('a'));
  pick(at < 0 ? NaN : at);
}
function tell() {
  const n = options().filter(o => o.matches('a')).length;
  none.hidden = n > 0 || !failed.hidden;
  status.textContent = failed.textContent ? '' : n ? `${n} ${n === 1 ? status.dataset.one : status.dataset.words}` : none.textContent;
}
function show(html, wrong = false) {
  waiting = false;
  failed.hidden = !wrong;
  failed.textContent = wrong ? box.querySelector('[data-failed-text]').innerHTML : '';
  found.innerHTML = html;
  found.hidden = !found.querySelector('[role="option"]');
  found.querySelectorAll('[role="option"]').forEach((o, i) => { o.id = `found-${i}`; o.tabIndex = -1; });
  start();
  tell();
}
async function search(words) {
  request?.abort();
  request = new AbortController();
  try {
    const answer = await fetch(box.dataset.url, {
      method: 'POST', body: new URLSearchParams({ q: words }), signal: request.signal,
      headers: { 'HX-Request': 'true', 'HX-Target': 'palette-list', 'X-CSRFToken': document.querySelector('meta[name="csrf-token"]').content },
    });
    if (answer.headers.get('HX-Redirect')) location.assign(answer.headers.get('HX-Redirect'));
    else show(answer.ok ? await answer.text() : '', !answer.ok);
  } catch (error) { if (error.name !== 'AbortError') show('', true); }
}
function typed() {
  const words = input.value.trim();
  box.querySelectorAll('[role="option"]').forEach(o => { if (!found.contains(o)) o.hidden = !plain(o.textContent).includes(plain(words)); });
  document.querySelectorAll(':is(#palette-all, #palette-new) input[name="q"]').forEach(kept => { kept.value = words; });
  clearTimeout(timer);
  if (words.length < 2 || !box.dataset.url) { request?.abort(); show(''); }
  else { waiting = true; start(); timer = setTimeout(search, 200, words); }
}
function open() {
  if (box.open) return;
  box.showModal();
  input.value = '';
  typed();
  input.focus();
}

if (box) {
  input.addEventListener('input', typed);
  input.addEventListener('keydown', e => {
    const at = options().findIndex(o => o.getAttribute('aria-selected') === 'true');
    if (e.key === 'ArrowDown' || e.key === 'ArrowUp') { e.preventDefault(); pick(at + (e.key === 'ArrowDown' ? 1 : -1)); }
    if (e.key !== 'Enter') return;
    e.preventDefault();
    const chosen = options()[at], all = document.getElementById('palette-all');
    // Somebody listed for fewer letters must not be opened for more.
    if (waiting && (!chosen || found.contains(chosen))) return;
    if (chosen && failed.hidden) { chosen.click(); box.close(); }
    else all?.requestSubmit();
  });
  document.addEventListener('keydown', e => {
    if ((e.ctrlKey || e.metaKey) && !e.altKey && e.key.toLowerCase() === 'k') { e.preventDefault(); open(); }
  });
}
