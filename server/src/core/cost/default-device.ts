/** Apart from the table of devices, which most commands need not load. */
export const defaultDeviceId = 'laptop-cpu';
