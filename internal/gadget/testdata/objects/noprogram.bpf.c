/* An object without programs. */
int helper(int a)
{
	return a + 1;
}
