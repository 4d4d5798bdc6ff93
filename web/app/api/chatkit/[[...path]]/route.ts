import { pass } from '@/lib/api';

export { pass as DELETE, pass as GET, pass as POST, pass as PUT };
