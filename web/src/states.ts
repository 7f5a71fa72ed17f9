/** Groups of states that several pages speak of. */

/** Open, and somebody of the staff has something to do. */
export const TO_DO = ['checking', 'filed', 'dispatched', 'accepted', 'handling', 'handled', 'suspended']
/** Open, and only the reporter's rating is waited for. */
export const TO_RATE = ['verified', 'rated']
