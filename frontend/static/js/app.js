/** Scripts of every page: `<script type="module" src=".../js/app.js">`. The labeler has its own. */
import "./theme.js";
import "./menu.js";
import "./copy.js";
import "./print.js";
import "./confirm.js";
import "./keep-form.js";
import "./leaving.js";
import "./upload.js";
import "./figure.js";
