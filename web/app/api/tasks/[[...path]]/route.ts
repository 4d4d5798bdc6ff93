import { pass } from '@/lib/api';

export { pass as GET };
