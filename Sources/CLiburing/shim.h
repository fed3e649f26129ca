/* Deliberately empty: liburing.h must stay out of every Swift module. */
