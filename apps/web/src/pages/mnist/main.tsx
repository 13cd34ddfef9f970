import { startPage } from '../../ui/page.js';
import { MnistPage } from './view.js';

startPage('mnist', MnistPage);
