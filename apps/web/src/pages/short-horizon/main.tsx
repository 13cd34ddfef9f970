/** Starts the page of the short horizon. */
import { startPage } from '../../ui/page.js';
import { View } from './view.js';

startPage('short-horizon', View);
