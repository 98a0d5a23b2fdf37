/** What every page loads: `<script type="module" src=".../js/app.js">`. The labeler comes on its own page only. */
import "./theme.js";
import "./menu.js";
import "./copy.js";
import "./confirm.js";
import "./upload.js";
import "./figure.js";
