// What the pages need of JavaScript: everything but signing works without it.
import './errors.js';
import './hash.js';
import './sign.js';
import './live.js';
import './upload.js';
