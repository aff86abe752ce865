// The start: this script is the page's, and that of the workers which the page starts.

import { startPage } from "./page.js";
import { answer } from "./worker.js";

if (typeof document === "undefined") answer();
else startPage();
