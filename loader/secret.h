/*
 * loader/secret.h
 *     Keeping passwords out of what others may see.
 */
#ifndef LOADER_SECRET_H
#define LOADER_SECRET_H

/* Put asterisks over passwords: of "://USER:PASSWORD@", and of "password=PASSWORD". */
void secret_mask(char *text);

/* Put asterisks over all that stands in double quotes. */
void secret_mask_quoted(char *text);

/*
 * Copy the arguments of the program, and mask passwords in those that the system shows to
 * everyone. NULL without memory; what is returned lasts as long as the program.
 */
char **secret_take_arguments(int argc, char **argv);

/* Free what secret_take_arguments returned. */
void secret_free_arguments(char **arguments);

#endif
