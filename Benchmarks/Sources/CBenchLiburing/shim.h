// Here for its link to liburing only: the C server includes <liburing.h> itself.
