/** What every page loads: htmx with server-sent events, set up so that the pages need no inline script or style. */

import htmx from "htmx.org";
import "htmx-ext-sse";
import "./app.css";

htmx.config.allowEval = false; // script-src has no 'unsafe-eval'
htmx.config.allowScriptTags = false; // fragments carry no scripts
htmx.config.includeIndicatorStyles = false; // style-src has no 'unsafe-inline'
htmx.config.selfRequestsOnly = true;
htmx.config.historyCacheSize = 0; // no patient data in the browser's storage
