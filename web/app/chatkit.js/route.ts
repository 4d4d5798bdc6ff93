import { answerOf } from '@/lib/api';
import { settings } from '@/lib/settings';

/** The chat element is the API's, so that it always fits it. */
export function GET(request: Request): Promise<Response> {
  const tag = request.headers.get('if-none-match');
  return answerOf(new URL('/chatkit.js', settings.apiUrl), { headers: tag ? { 'if-none-match': tag } : {} });
}
