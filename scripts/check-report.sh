#!/usr/bin/env bash
# Opens pages of reports in a headless Chromium, as wide as a phone and as a desk, light and dark, and fails if a page's script fails,
# it is wider than the screen, axe-core finds something serious, or it cannot be printed: check-report.sh REPORT.html…
# Exits with 77 and says why where that cannot be tried here. MAILGAUGE_AXE names axe.min.js, if it is elsewhere.
set -euo pipefail

cannot() { echo "$1"; exit 77; }
chromium=$(command -v chromium || command -v chromium-browser || command -v google-chrome) || cannot "Chromium is not installed"
axe=${MAILGAUGE_AXE:-${XDG_CACHE_HOME:-$HOME/.cache}/mailgauge/axe/package/axe.min.js}
[ -r "$axe" ] || cannot "axe-core is not there: scripts/setup.sh fetches it"

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# Written into each page in place of its policy, which would forbid it: mistakes are noted from the start, axe runs at the end.
cat >"$folder/watch.js" <<'JS'
const faults = [];
addEventListener("error", (event) => faults.push(`script: ${event.message}`));
addEventListener("load", async () => {
  document.querySelectorAll("details").forEach((it) => { it.open = true; });
  document.querySelectorAll(".mark").forEach((mark) => mark.dispatchEvent(new Event("pointerenter")));
  const { scrollWidth, clientWidth } = document.documentElement;
  if (scrollWidth > clientWidth) faults.push(`wide: ${scrollWidth} of ${clientWidth} px`);
  const found = await axe.run();
  for (const it of found.violations) {
    const where = it.nodes.slice(0, 3).map((node) => node.target.join(" ")).join(", ");
    if (["serious", "critical"].includes(it.impact)) faults.push(`${it.impact}: ${it.id}: ${where}`);
  }
  const dark = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  const result = faults.length ? faults.join("; ") : `no fault, ${found.passes.length} rules of axe pass`;
  parent.postMessage(`${location.hash.slice(1)}, ${clientWidth} px, ${dark}: ${result}`, "*");
});
JS

# A window is never as narrow as a phone; a frame is.
frames=0
cat >"$folder/frames.html" <<'HTML'
<!doctype html><meta name="color-scheme" content="light dark"><pre id="checked"></pre>
<script>addEventListener("message", (event) => { document.getElementById("checked").append(event.data, "\n"); });</script>
HTML
for page in "$@"; do
    copy=page$frames.html
    while IFS= read -r line; do
        case $line in
            *http-equiv=\"Content-Security-Policy\"*) continue ;;
        esac
        printf '%s\n' "$line"
        if [ "$line" = "<head>" ]; then
            echo "<script>"
            cat "$axe" "$folder/watch.js"
            echo "</script>"
        fi
    done <"$page" >"$folder/$copy"
    for width in 360 1280; do
        echo "<iframe src=\"$copy#$page\" width=\"$width\" height=\"900\"></iframe>" >>"$folder/frames.html"
        frames=$((frames + 1))
    done
done

dump() {
    timeout 300 "$chromium" --headless --no-sandbox --disable-gpu --hide-scrollbars --window-size=1400,1000 \
        --virtual-time-budget=120000 --user-data-dir="$folder/profile" --dump-dom "$@" >"$folder/dom" 2>"$folder/log" </dev/null \
        || { cat "$folder/log" >&2; cannot "Chromium does not start here"; }
}

status=0
for scheme in 1 0; do
    dump --blink-settings=preferredColorScheme="$scheme" "file://$folder/frames.html"
    results=$(sed -n '/<pre id="checked">/,/<\/pre>/p' "$folder/dom" | sed 's/<[^>]*>//g; /^$/d')
    echo "$results"
    [ "$(grep -c ': no fault, ' <<<"$results")" = "$frames" ] || status=1
done
# Under its own policy, too, the script must run: it leaves the box in which it shows figures. All pages have the same one.
for page in "$@"; do
    if grep -q '<script>' "$page"; then
        dump "file://$(realpath "$page")"
        grep -q 'class="tip"' "$folder/dom" || { echo "$page: its policy does not let its script run"; status=1; }
        break
    fi
done
for page in "$@"; do
    timeout 100 "$chromium" --headless --no-sandbox --disable-gpu --user-data-dir="$folder/profile" \
        --no-pdf-header-footer --print-to-pdf="$folder/page.pdf" "file://$(realpath "$page")" >"$folder/log" 2>&1 </dev/null || true
    case $(head -c 5 "$folder/page.pdf" 2>/dev/null) in
        %PDF-) ;;
        *) cat "$folder/log"; echo "$page: it cannot be printed"; status=1 ;;
    esac
    rm -f "$folder/page.pdf"
done
exit $status
