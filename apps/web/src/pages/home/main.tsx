import { startPage } from '../../ui/page.js';
import { HomePage } from './view.js';

startPage('home', HomePage);
