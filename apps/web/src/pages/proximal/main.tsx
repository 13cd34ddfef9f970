/** Starts the page of the proximal step. */
import { startPage } from '../../ui/page.js';
import { ProximalPage } from './view.js';

startPage('proximal', ProximalPage);
