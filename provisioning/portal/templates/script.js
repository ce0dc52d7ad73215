(function () {
  "use strict";
  var all = function (selector, root) {
    return Array.prototype.slice.call((root || document).querySelectorAll(selector));
  };

  // Passwords: shown on demand, and counted in bytes as the network does.
  var bytes = function (text) { return unescape(encodeURIComponent(text)).length; };
  var prepare = function (root) {
    all(".show", root).forEach(function (line) {
      var input = line.closest("form").querySelector("[name=password]");
      line.hidden = false;
      line.querySelector("input").addEventListener("change", function (event) {
        input.type = event.target.checked ? "text" : "password";
      });
    });
    all("[data-key]", root).forEach(function (input) {
      var check = function () {
        var size = bytes(input.value), key = /^[0-9a-f]{64}$/i.test(input.value);
        input.setCustomValidity((size >= 8 && size <= 63) || key ? "" : input.dataset.key);
      };
      input.addEventListener("input", check);
      check();
    });
    all("details[name=net]", root).forEach(function (details) {
      details.addEventListener("toggle", function () {
        if (!details.open) return;
        // Older browsers do not close the others themselves.
        all("details[name=net][open]").forEach(function (other) {
          if (other !== details) other.open = false;
        });
      });
    });
    all(".rescan", root).forEach(function (form) {
      form.addEventListener("submit", function (event) {
        event.preventDefault();
        rescan(form);
      });
    });
  };

  // A new list takes the place of the old one; what goes wrong is left to the browser.
  var rescan = function (form) {
    var button = form.querySelector("button");
    if (button.getAttribute("aria-busy")) return;
    button.setAttribute("aria-busy", "true");
    button.textContent = button.dataset.busy;
    fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)) })
      .then(function (answer) { return answer.text(); })
      .then(function (html) {
        var fresh = new DOMParser().parseFromString(html, "text/html").getElementById("networks");
        document.getElementById("networks").replaceWith(fresh);
        prepare(fresh);
        fresh.querySelector(".rescan button").focus();
      })
      .catch(function () { location.replace("/"); });
  };

  // While Luna joins: ask how it goes, and say so when the phone has lost the setup network.
  all("[data-poll]").forEach(function (place) {
    var missed = 0;
    var ask = function () {
      var limit = new AbortController();
      setTimeout(function () { limit.abort(); }, 4000);
      fetch(place.dataset.poll, { signal: limit.signal, cache: "no-store" })
        .then(function (answer) { return answer.json(); })
        .then(function (state) {
          missed = 0;
          if (state.view !== "joining") location.replace("/?lang=" + document.documentElement.lang);
        })
        .catch(function () { missed += 1; })
        .then(function () {
          place.querySelector(".gone").hidden = missed < 3;
          setTimeout(ask, 1500);
        });
    };
    ask();
  });

  // Countries by their names, as the browser knows them.
  all("#country").forEach(function (select) {
    var names;
    try {
      names = new Intl.DisplayNames([document.documentElement.lang], { type: "region" });
    } catch (error) { return; }
    var options = all("option", select).filter(function (option) { return option.value; });
    options.forEach(function (option) {
      option.value = option.value;
      option.textContent = names.of(option.value) || option.value;
    });
    options.sort(function (a, b) { return a.textContent.localeCompare(b.textContent, document.documentElement.lang); });
    options.forEach(function (option) { select.appendChild(option); });
  });

  all(".lang").forEach(function (menu) {
    document.addEventListener("click", function (event) {
      if (!menu.contains(event.target)) menu.open = false;
    });
    document.addEventListener("keydown", function (event) {
      if (event.key === "Escape") menu.open = false;
    });
  });
  prepare(document);
})();
