/** Starts the page of the preconditioner. */
import { startPage } from '../../ui/page.js';
import { View } from './view.js';

startPage('preconditioner', View);
