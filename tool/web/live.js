// SPDX-License-Identifier: Apache-2.0
// The page without this script is the same page. With it, the parts marked data-live are fetched
// anew when the server says that something changed, and a halt is asked for twice.
"use strict";
(function () {
  var live = document.getElementById("live");
  var waiting = false;
  var again = false;

  function say(text) {
    if (live && live.textContent !== text) live.textContent = text;
  }

  function replace(part, fresh) {
    if (!fresh || part.outerHTML === fresh.outerHTML) return;
    if (part.contains(document.activeElement)) return; // somebody types there
    part.replaceWith(document.importNode(fresh, true));
  }

  function refresh() {
    if (waiting) { again = true; return; }
    waiting = true;
    fetch(location.href, { credentials: "same-origin", redirect: "error" }).then(function (answer) {
      return answer.ok ? answer.text() : Promise.reject(new Error(String(answer.status)));
    }).then(function (text) {
      var fresh = new DOMParser().parseFromString(text, "text/html");
      var known = {};
      document.querySelectorAll("[data-live]").forEach(function (part) {
        known[part.id] = true;
        replace(part, fresh.getElementById(part.id));
      });
      var is_other = Array.prototype.some.call(fresh.querySelectorAll("[data-live]"), function (part) { return !known[part.id]; });
      if (is_other) location.reload(); // the first device came: another page than before
    }).catch(function () {
      say("not live: reload to see more");
    }).then(function () {
      setTimeout(function () {
        waiting = false;
        if (again) { again = false; refresh(); }
      }, 1000);
    });
  }

  document.addEventListener("submit", function (event) {
    var question = event.target.getAttribute("data-confirm");
    if (question && !window.confirm(question)) event.preventDefault();
  });

  if (live && document.querySelector("[data-live]") && window.EventSource) {
    var source = new EventSource("/api/events");
    var first = true;
    source.onopen = function () { say("live"); };
    source.onerror = function () { say("not live"); };
    source.onmessage = function () {
      if (first) { first = false; return; }
      refresh();
    };
    window.addEventListener("pagehide", function () { source.close(); });
  }
})();
